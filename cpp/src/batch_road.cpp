#include "deltarule/batch_road.hpp"

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

namespace deltarule {
namespace {

// Constants, so that no sum depends on the number of threads.

/// Rows that go through the network together before their gradient is summed; more are cut evenly.
constexpr int64_t most_rows = 480;
/// From so many rows on and up to so many parameters the rows are cut into parts; so many parts are
/// summed at a time.
constexpr int64_t rows_for_parts = 768, parameters_for_parts = 16384, most_parts = 64;
/// Rows of a part, of few and of many in all.
constexpr int64_t small_part = 96, large_part = 192, rows_for_large_parts = 3072;
/// Microseconds of a task of predictions at least.
constexpr double task_time = 10;
/// More threads than processors serve nobody but tests of few threads on a small machine.
constexpr unsigned fewest_processors = 8;

int64_t divide_up(int64_t count, int64_t by) { return (count + by - 1) / by; }

int useful_threads(int asked) {
    return std::clamp(asked, 1, int(std::max(std::thread::hardware_concurrency(), fewest_processors)));
}

}  // namespace

/// Of an affine operation right behind another one.
static Gate gate_behind(const Operation& before) {
    if (before.rectify) return Gate::positive;
    return before.gated ? Gate::kept : Gate::none;
}

/// The block that was listed last.
static int64_t last_block(const OperationList& list) { return int64_t(list.widths.size()) - 1; }

/// Embeds, which keeps cosines and sines, and scales, each into a block of its own.
static void list_prelude(OperationList& list, const Prelude& prelude, int64_t units) {
    const auto add = [&](OperationKind kind, int64_t kept, int64_t sums) {
        const int64_t block = last_block(list);
        Operation operation{kind, 0, block, block + 1, list.kept, false};
        operation.sums = list.sums;
        operation.listed = kind == OperationKind::scale && block == 0;
        list.operations.push_back(operation);
        list.widths.push_back(units);
        list.kept += kept;
        list.sums += sums;
    };
    if (prelude.column_count)
        add(OperationKind::embed, 2 * prelude.column_count * prelude.frequencies, prelude.embedding_vectors);
    if (prelude.scales) add(OperationKind::scale, 0, prelude.gain_vectors);
}

/// Keeps x̂, and for rows 1 / √(variance + ε).
static void list_normalization(OperationList& list, const Layer& layer, int64_t l) {
    if (layer.normalization == Normalization::none) return;
    const bool by_rows = layer.normalization == Normalization::layer;
    const OperationKind kind = by_rows ? OperationKind::normalize_rows : OperationKind::normalize;
    const int64_t block = last_block(list);
    Operation normalize{kind, l, block, block, list.kept, !by_rows};
    normalize.sums = list.sums;
    list.kept += layer.units + by_rows;
    list.sums += 4 * layer.panels;
    if (!by_rows) {
        Operation moments = normalize;
        moments.kind = OperationKind::moments;
        moments.whole_batch = false;
        list.operations.push_back(moments);
    }
    list.operations.push_back(normalize);
}

OperationList list_operations(const std::vector<Layer>& layers, const Prelude& prelude) {
    OperationList list;
    list.widths.push_back(prelude.column_count ? prelude.inputs : layers[0].inputs);
    list_prelude(list, prelude, layers[0].inputs);
    int64_t widest = is_there(prelude) ? layers[0].inputs : 0;
    for (int64_t l = 0; l < int64_t(layers.size()); ++l) {
        const Layer& layer = layers[size_t(l)];
        const int64_t below = last_block(list);
        Operation affine{OperationKind::affine, l, below, below + 1, list.kept, false};
        affine.listed = l == 0 && !prelude.column_count;
        if (l == 0 && !prelude.scales) affine.wanted = list.widths[0];  // the inputs themselves want none
        if (!list.operations.empty()) affine.gate = gate_behind(list.operations.back());
        list.operations.push_back(affine);
        list.widths.push_back(layer.units);
        widest = std::max(widest, layer.units);
        if (l + 1 == int64_t(layers.size())) continue;
        list_normalization(list, layer, l);
        const bool drops = layer.keep != 65536;
        if (layer.activation == Activation::identity && !drops && !layer.mixes) continue;
        if (layer.activation == Activation::relu && !drops && !layer.mixes &&
            list.operations.back().kind == OperationKind::affine) {
            list.operations.back().rectify = true;
            continue;
        }
        Operation activation{OperationKind::activation, l, below + 1, below + 1, list.kept, false};
        activation.gated = layer.activation != Activation::softmax && !layer.mixes;
        if (layer.mixes) {
            activation.kind = OperationKind::mixture;
            activation.sums = list.sums;
            list.sums += layer.panels;
        }
        list.operations.push_back(activation);
        if (drops) {  // it takes a part in what the activation keeps
            Operation dropout = activation;
            dropout.kind = OperationKind::dropout;
            list.operations.push_back(dropout);
        }
        list.kept += layer.units * (1 + layer.mixes);
    }
    list.widths.push_back(widest);
    return list;
}

/// How rows are cut: `rows` at a time, in parts or in strips.
template <class T>
struct BatchRoad<T>::Cut {
    bool parts;
    int64_t rows;
    int64_t part;  ///< rows of a part
};

/// Numbers of the mini-batch road; they grow when more are needed.
template <class T>
struct BatchRoad<T>::Buffers {
    int64_t slots, parts;  ///< strips and part gradients that there is room for
    bool inputs;           ///< rows of X too
    std::unique_ptr<Arena> arena;
    std::vector<T*> values, deltas;
    int32_t* used;
    std::vector<double> losses;
    T *scratch, *rectangles, *part_gradients, *sums, *combined;
    int64_t scratch_size;
};

template <class T>
BatchRoad<T>::BatchRoad(Panels<T>& panels, Watch& watch, int threads)
    : BatchRoad(panels, watch, threads, list_operations(panels.layers(), panels.network().prelude)) {}

template <class T>
BatchRoad<T>::BatchRoad(Panels<T>& panels, Watch& watch, int threads, OperationList list)
    : panels_(panels), watch_(watch), threads_(useful_threads(threads)), list_(std::move(list)) {
    plan_stages();
    tasks_ = plan_tasks(panels.kernels().rectangle_rows);
    entry_tasks_ = plan_tasks(panels.layers()[0].rows);
}

template <class T>
BatchRoad<T>::~BatchRoad() = default;

/// Forwards stage by stage; the last one turns at the head, the others follow in reverse.
template <class T>
void BatchRoad<T>::plan_stages() {
    const int64_t count = int64_t(list_.operations.size());
    for (const Operation& operation : list_.operations) {
        measures_ |= operation.kind == OperationKind::moments;
        sums_strips_ |= in_one_piece(operation.kind);
    }
    straight_ = {{0, count, true, true}};
    std::vector<int64_t> cuts = {0};
    for (int64_t i = 1; i < count; ++i)
        if (list_.operations[size_t(i)].whole_batch) cuts.push_back(i);
    cuts.push_back(count);
    for (size_t i = 0; i + 1 < cuts.size(); ++i)
        stages_.push_back({cuts[i], cuts[i + 1], true, i + 2 == cuts.size()});
    for (size_t i = cuts.size() - 1; i-- > 1;) stages_.push_back({cuts[i - 1], cuts[i], false, true});
}

/// For entries of CSR the tasks of the first layer have all rows of their panels, so that each is looked
/// at once per panel.
template <class T>
std::vector<Task> BatchRoad<T>::plan_tasks(int64_t first_layer_rows) const {
    std::vector<Task> tasks;
    for (size_t i = 0; i < list_.operations.size(); ++i) {
        const Operation& operation = list_.operations[i];
        const Layer& layer = panels_.layers()[size_t(operation.layer)];
        if (in_one_piece(operation.kind)) tasks.push_back({int64_t(i), 0, 0, 0, 0});
        if (operation.kind != OperationKind::affine) continue;
        const int64_t rows = operation.input ? panels_.kernels().rectangle_rows : first_layer_rows;
        const auto cut_weights = panels_.kernels().cut_weights;
        const size_t before = tasks.size();
        tasks.resize(before + size_t(cut_weights(layer, int64_t(i), rows, nullptr)));
        cut_weights(layer, int64_t(i), rows, tasks.data() + before);
    }
    return tasks;
}

/// Rows of CSR that the first layer looks at entry by entry; what stands before it has them written out.
template <class T>
bool BatchRoad<T>::reads_entries(const Samples<T>& samples) const {
    return !samples.dense && !samples.written_out && !is_there(panels_.network().prelude);
}

/// By shapes alone.
template <class T>
typename BatchRoad<T>::Cut BatchRoad<T>::cut(int64_t rows, bool measure) const {
    if (measure) return {false, std::max<int64_t>(1, rows), 0};  // their statistics are of all of them
    if (rows >= rows_for_parts && panels_.network().size <= parameters_for_parts && stages_.size() == 1 &&
        !sums_strips_) {
        const int64_t part = rows < rows_for_large_parts ? small_part : large_part;
        return {true, most_parts * part, part};
    }
    return {false, std::max<int64_t>(1, divide_up(rows, divide_up(std::max<int64_t>(1, rows), most_rows))),
            0};
}

/// Room for batches of up to so many rows: the last one of an epoch may be cut in another way.
template <class T>
void BatchRoad<T>::prepare(int64_t rows, const Samples<T>& samples, bool training) {
    const int64_t strip = panels_.kernels().strip;
    const bool measure = measures_ && training;
    const int64_t strips = divide_up(measure ? rows : std::min(rows, most_rows), strip);
    if (!cut(rows, measure).parts) return reserve(samples, strips, 0, strips);
    const int64_t parts = std::min(most_parts, divide_up(rows, small_part));
    reserve(samples, std::max(strips, threads_ * divide_up(large_part, strip)), parts,
            std::max(strips, parts));
}

template <class T>
void BatchRoad<T>::reserve(const Samples<T>& samples, int64_t slots, int64_t parts, int64_t losses) {
    const Kernels<T>& kernels = panels_.kernels();
    if (buffers_ && buffers_->slots >= slots && buffers_->parts >= parts &&
        (buffers_->inputs || reads_entries(samples))) {
        if (int64_t(buffers_->losses.size()) < losses) buffers_->losses.resize(size_t(losses));
        return;
    }
    auto made = std::make_unique<Buffers>();
    made->slots = buffers_ ? std::max(buffers_->slots, slots) : slots;
    made->parts = buffers_ ? std::max(buffers_->parts, parts) : parts;
    made->inputs = !reads_entries(samples) || (buffers_ && buffers_->inputs);
    const int64_t places = made->slots * kernels.strip;
    made->losses.resize(size_t(losses));
    buffers_.reset();  // before the new ones are there: both need not fit
    const int64_t outputs = list_.widths[list_.widths.size() - 2], widest = list_.widths.back();
    made->scratch_size = (list_.kept + outputs + 2 * widest) * kernels.strip;
    const int64_t scratches = stages_.size() > 1 ? std::max<int64_t>(made->slots, threads_) : threads_;
    const auto each = [&](auto take) {
        for (size_t block = 0; block + 1 < list_.widths.size(); ++block)
            take(made->values, block || made->inputs ? (list_.widths[block] + 1) * places : 0);
        for (const Operation& operation : list_.operations) {
            const bool affine = operation.kind == OperationKind::affine;
            const int64_t panels = panels_.layers()[size_t(operation.layer)].panels;
            take(made->deltas, affine ? panels * kernels.lanes * places : 0);
        }
    };
    const int64_t used = made->inputs ? made->slots * used_size(list_.widths[0]) : 0;
    const int64_t combined = list_.sums * kernels.lanes, sums = made->slots * combined;
    size_t bytes = Arena::need(used, sizeof(int32_t)) + Arena::need(sums, sizeof(T)) +
                   Arena::need(combined, sizeof(T)) + Arena::need(made->scratch_size * scratches, sizeof(T)) +
                   Arena::need(kernels.rectangle_size * threads_, sizeof(T)) +
                   Arena::need(made->parts * panels_.network().size, sizeof(T));
    each([&](std::vector<T*>&, int64_t count) { bytes += Arena::need(count, sizeof(T)); });
    made->arena = std::make_unique<Arena>(bytes);
    each([&](std::vector<T*>& to, int64_t count) { to.push_back(made->arena->template take<T>(count)); });
    made->used = made->arena->template take<int32_t>(used);
    made->sums = made->arena->template take<T>(sums);
    made->combined = made->arena->template take<T>(combined);
    made->scratch = made->arena->template take<T>(made->scratch_size * scratches);
    made->rectangles = made->arena->template take<T>(kernels.rectangle_size * threads_);
    made->part_gradients = made->arena->template take<T>(made->parts * panels_.network().size);
    buffers_ = std::move(made);
}

template <class T>
Batch<T> BatchRoad<T>::batch_of(const Samples<T>& samples) const {
    Batch<T> batch{};
    batch.network = &panels_.network();
    batch.operations = list_.operations.data();
    batch.operation_count = int64_t(list_.operations.size());
    batch.widths = list_.widths.data();
    batch.samples = &samples;
    batch.store = panels_.store();
    batch.factor = 1;
    batch.values = buffers_->values.data();
    batch.used = buffers_->used;
    batch.deltas = buffers_->deltas.data();
    batch.scratch = buffers_->scratch;
    batch.scratch_size = buffers_->scratch_size;
    batch.scratch_by_strip = stages_.size() > 1;
    batch.rectangles = buffers_->rectangles;
    batch.gradient = batch.store.gradient;
    batch.parts = buffers_->part_gradients;
    batch.losses = buffers_->losses.data();
    batch.sums = buffers_->sums;
    batch.sums_size = list_.sums * panels_.kernels().lanes;
    batch.combined = buffers_->combined;
    return batch;
}

template <class T>
double BatchRoad<T>::step(const Samples<T>& samples, const int64_t* order, int64_t rows,
                          const Update<T>& update, double scale, uint64_t key, int64_t clock) {
    Batch<T> batch = batch_of(samples);
    batch.order = order;
    batch.update = update;
    batch.factor = T(scale / double(rows));
    batch.apply = true;
    batch.training = true;
    batch.measure = measures_ && rows > 1;
    batch.key = key;
    batch.clock = uint64_t(clock);
    const double loss = rows_with_gradient(batch, rows);
    if (!std::isfinite(loss) || watch_.stopped) return loss;  // the weights are as they were
    if (batch.measure) panels_.kernels().follow(batch);
    if (panels_.optimizer().averages) average(batch);
    return loss;
}

/// Equation (9)'s gradient lies in the store: Σ g² with the penalty, then the update with what is left
/// of it. The penalty has no part in the update any more, but for adamw's decay.
template <class T>
void BatchRoad<T>::clip_and_update(Batch<T>& batch) {
    const Kernels<T>& kernels = panels_.kernels();
    batch.tasks = tasks_.data();
    batch.task_count = int64_t(tasks_.size());
    squares_.resize(tasks_.size());
    batch.losses = squares_.data();
    run_watched(batch, batch.task_count, kernels.square_pass, false);
    double square = 0;
    for (const double part : squares_) square += part;
    const double norm = std::sqrt(square), most = panels_.optimizer().clip_norm;
    batch.factor = norm > most ? T(most / norm) : T(1);
    batch.update.l1 = batch.update.l2 = 0;
    run_watched(batch, batch.task_count, kernels.update_pass, false);
}

/// The average after a step takes its share of the weights, piece by piece.
template <class T>
void BatchRoad<T>::average(const Batch<T>& batch) {
    Batch<T> pieces = batch;
    const double t = double(batch.clock);
    pieces.factor = T(1.0 - std::min(panels_.optimizer().average, t / (t + 9.0)));
    run_tasks(team(batch.count), divide_up(panels_.network().size, average_piece),
              panels_.kernels().average_pass, &pieces);
}

template <class T>
double BatchRoad<T>::loss(const Samples<T>& samples, T* gradient) {
    if (!gradient) return forward_only(samples, nullptr);
    if (samples.rows == 0) return std::fill_n(gradient, panels_.size(), T(0)), 0;
    prepare(samples.rows, samples, false);
    Batch<T> batch = batch_of(samples);
    const double total = rows_with_gradient(batch, samples.rows);
    panels_.gradient(gradient);
    return total;
}

template <class T>
void BatchRoad<T>::predict(const Samples<T>& samples, T* predictions) {
    forward_only(samples, predictions);
}

/// The rows of a batch, some at a time; the last of them update the parameters.
template <class T>
double BatchRoad<T>::rows_with_gradient(Batch<T>& batch, int64_t rows) {
    const Cut how = cut(rows, batch.measure);
    const bool clips = batch.apply && panels_.optimizer().clip_norm > 0;
    const bool apply = batch.apply && !clips;
    const int64_t first = batch.first;
    const int64_t* const order = batch.order;
    double loss = 0;
    for (int64_t begin = 0; begin < rows; begin += how.rows) {
        batch.order = order ? order + begin : nullptr;
        batch.first = first + begin;
        batch.count = std::min(how.rows, rows - begin);
        batch.offset = begin;
        batch.add = begin > 0;
        batch.apply = apply && begin + how.rows >= rows && std::isfinite(loss);
        batch.task_strips = how.parts ? how.part : 1;
        loss += how.parts ? in_parts(batch) : whole(batch);
        if (watch_.stopped) break;
        if (!batch.apply && watch_.look(panels_.microseconds(batch.count))) break;
    }
    if (clips && std::isfinite(loss) && !watch_.stopped) clip_and_update(batch);
    return loss;
}

/// Strips, barrier, parameters.
template <class T>
double BatchRoad<T>::whole(Batch<T>& batch) {
    const Kernels<T>& kernels = panels_.kernels();
    const std::vector<Task>& tasks = reads_entries(*batch.samples) ? entry_tasks_ : tasks_;
    batch.strip_rows = kernels.strip_vectors(divide_up(batch.count, kernels.lanes)) * kernels.lanes;
    const int64_t strips = divide_up(batch.count, batch.strip_rows);
    batch.places = strips * kernels.strip;
    batch.tasks = tasks.data();
    batch.task_count = int64_t(tasks.size());
    const std::vector<Stage>& stages = stages_of(batch);
    batch.scratch_by_strip = stages.size() > 1;
    batch.stage = stages[0];
    if (stages.size() == 1 && team(batch.count) == 1 && panels_.microseconds(batch.count) < look_every)
        return kernels.step(batch);
    double loss = 0;
    for (const Stage& stage : stages) {
        batch.stage = stage;
        run_watched(batch, strips, kernels.strip_pass, true);
        if (watch_.stopped) return 0;
        if (batch.measure) kernels.combine(batch);
        const bool judged = stage.forward && stage.backward;
        for (int64_t i = 0; judged && i < strips; ++i) loss += batch.losses[i];
    }
    if (std::isfinite(loss) || !batch.apply)
        run_watched(batch, batch.task_count, kernels.weight_pass, !batch.apply);
    return loss;
}

/// Parts, barrier, their sum.
template <class T>
double BatchRoad<T>::in_parts(Batch<T>& batch) {
    const Kernels<T>& kernels = panels_.kernels();
    const std::vector<Task>& tasks = reads_entries(*batch.samples) ? entry_tasks_ : tasks_;
    batch.strip_rows = kernels.strip;
    batch.places = divide_up(batch.task_strips, kernels.strip) * kernels.strip;
    batch.tasks = tasks.data();
    batch.task_count = int64_t(tasks.size());
    batch.stage = stages_[0];
    const int64_t parts = divide_up(batch.count, batch.task_strips);
    run_watched(batch, parts, kernels.part_pass, true);
    if (watch_.stopped) return 0;
    double loss = 0;
    for (int64_t i = 0; i < parts; ++i) loss += batch.losses[i];
    batch.tasks = tasks_.data();
    if (std::isfinite(loss) || !batch.apply)
        run_watched(batch, int64_t(tasks_.size()), kernels.sum_pass, !batch.apply);
    return loss;
}

/// All rows there and not back: a worker needs room for one strip alone. Returns Σ w f unless
/// predictions are wanted.
template <class T>
double BatchRoad<T>::forward_only(const Samples<T>& samples, T* predictions) {
    const Kernels<T>& kernels = panels_.kernels();
    const std::vector<Stage>& stages = measures_ ? straight_ : stages_;
    const bool one_stage = stages.size() == 1;
    const int64_t most = one_stage ? samples.rows : most_rows;
    double loss = 0;
    for (int64_t begin = 0; begin < samples.rows; begin += most) {
        const int64_t rows = std::min(most, samples.rows - begin);
        const int64_t vectors = kernels.strip_vectors(divide_up(rows, kernels.lanes));
        const int64_t strips = divide_up(rows, vectors * kernels.lanes);
        reserve(samples, one_stage ? threads_ : strips, 0, strips);
        Batch<T> batch = batch_of(samples);
        batch.first = begin;
        batch.count = rows;
        batch.strip_rows = vectors * kernels.lanes;
        batch.places = strips * kernels.strip;
        batch.set = one_stage ? -1 : 0;
        if (predictions) batch.losses = nullptr;
        batch.predictions = predictions + (predictions ? begin * list_.widths[list_.widths.size() - 2] : 0);
        const double cost = panels_.microseconds(batch.strip_rows) / 3;
        batch.task_strips = std::clamp<int64_t>(int64_t(task_time / cost), 1, strips);
        batch.scratch_by_strip = !one_stage;
        for (Stage stage : stages) {
            if (!stage.forward) break;
            stage.backward = false;
            batch.stage = stage;
            run_watched(batch, divide_up(strips, batch.task_strips), kernels.strip_pass, true);
            if (watch_.stopped) return 0;
        }
        for (int64_t i = 0; !predictions && i < strips; ++i) loss += batch.losses[i];
    }
    return loss;
}

/// Threads worth having for so many rows: one for every 15 µs of a pass.
template <class T>
int BatchRoad<T>::team(int64_t rows) const {
    const double cost = panels_.microseconds(rows);
    if (cost < 20) return 1;
    return std::min(threads_, 1 + int(std::min(cost / 15, 1e6)));
}

/// Runs the tasks of a pass. One that may be left halfway asks between its tasks whether to end.
template <class T>
void BatchRoad<T>::run_watched(Batch<T>& batch, int64_t tasks, TaskFunction function, bool may_end) {
    const int threads = team(batch.count);
    const double cost = panels_.microseconds(batch.count);
    if (!may_end || cost < look_every) return run_tasks(threads, tasks, function, &batch);
    struct Watched {
        Batch<T>& batch;
        TaskFunction function;
        Watch& watch;
        double cost;
    } watched{batch, function, watch_, cost / double(tasks)};
    run_tasks(
        threads, tasks,
        [](void* context, int worker, int64_t task) {
            auto& [batch, function, watch, cost] = *static_cast<Watched*>(context);
            if (watch.stopped) return;
            function(&batch, worker, task);
            if (worker == 0) watch.look(cost);
        },
        &watched);
}

template class BatchRoad<float>;
template class BatchRoad<double>;

}  // namespace deltarule
