#include "deltarule/session.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "deltarule/threads.hpp"

namespace deltarule {
namespace {

/// Rows of X that go through the network together; more are summed chunk by chunk. A constant, so
/// that sums do not depend on the number of threads.
constexpr int64_t chunk_strips = 20;
/// Positions of a rule that are evaluated at a time.
constexpr int64_t order_block = 4096;
constexpr int64_t task_rows = 64;
constexpr int64_t task_panels = 3;
/// How often a long call asks whether to end, and the estimated microseconds between two looks at the
/// clock; the estimate is of a fast machine, so the time between looks is longer.
constexpr auto ask_every = std::chrono::milliseconds(50);
constexpr double look_every = 1000;
/// More threads than processors serve nobody but tests of few threads on a small machine.
constexpr unsigned fewest_processors = 8;

int64_t round_up(int64_t count, int64_t to) { return (count + to - 1) / to * to; }

int useful_threads(int asked) {
    return std::clamp(asked, 1, int(std::max(std::thread::hardware_concurrency(), fewest_processors)));
}

}  // namespace

int moment_count(Optimizer kind) {
    switch (kind) {
        case Optimizer::sgd: return 0;
        case Optimizer::adam:
        case Optimizer::adamw: return 2;
        default: return 1;
    }
}

/// Whether a call is to end early. Asked by the calling thread alone, seen by its helpers.
template <class T>
struct Session<T>::Watch {
    using Clock = std::chrono::steady_clock;

    std::function<bool()> ask;
    std::atomic<bool> stopped = false;
    Clock::time_point due;
    double spent = 0;  ///< estimated microseconds since the last look

    void begin() {
        stopped = false;
        due = Clock::now() + ask_every;
        spent = 0;
    }
    bool look(double microseconds) {
        spent += microseconds;
        if (spent < look_every || stopped || !ask) return stopped;
        spent = 0;
        if (Clock::now() < due) return false;
        stopped = ask();
        due = Clock::now() + ask_every;
        return stopped;
    }
};

/// Buffers of the mini-batch road for a number of strips.
template <class T>
struct Session<T>::Chunk {
    int64_t strips;
    int64_t inputs;  ///< numbers of a^0 per sample, 0 for CSR
    std::unique_ptr<Arena> arena;
    std::vector<T*> outputs, delta_rows;
    std::vector<double> losses;
    T* scratch;  ///< `scratch_size` numbers for every worker that can have a strip
    int64_t scratch_size;
};

template <class T>
Session<T>::Session(std::vector<Layer> layers, Loss loss, double loss_parameter, int threads)
    : kernels_(kernels<T>()),
      layers_(std::move(layers)),
      threads_(useful_threads(threads)),
      watch_(new Watch) {
    int64_t size = 0;
    for (Layer& layer : layers_) {
        layer.rows = layer.inputs + layer.bias;
        layer.panels = round_up(layer.units, kernels_.lanes) / kernels_.lanes;
        layer.offset = size;
        size += layer.panels * layer.rows * kernels_.lanes;
        parameters_ += layer.units * layer.rows;
    }
    network_ = {layers_.data(), int64_t(layers_.size()), loss, loss_parameter, size};
    numbers_ = std::make_unique<Arena>(4 * Arena::need(size, sizeof(T)));
    store_ = {numbers_->take<T>(size), numbers_->take<T>(size), numbers_->take<T>(size),
              numbers_->take<T>(size)};
    tasks_ = plan_tasks(task_rows);
    sparse_tasks_ = plan_tasks(layers_[0].rows);
    make_trail();
}

template <class T>
Session<T>::Session(Session&&) noexcept = default;

template <class T>
Session<T>::~Session() = default;

template <class T>
void Session<T>::ask_whether_to_end(std::function<bool()> ask) {
    watch_->ask = std::move(ask);
}

template <class T>
bool Session<T>::ended() const {
    return watch_->stopped;
}

/// Cuts the weights into rectangles, by their shape alone. For sparse rows those of the first layer
/// have all rows of their panels, so that each stored entry is looked at once per panel.
template <class T>
std::vector<Task> Session<T>::plan_tasks(int64_t first_layer_rows) const {
    std::vector<Task> tasks;
    for (int64_t l = 0; l < network_.depth; ++l) {
        const Layer& layer = layers_[size_t(l)];
        const int64_t groups = (layer.panels + task_panels - 1) / task_panels;
        for (int64_t g = 0; g < groups; ++g) {
            const int64_t begin = g * layer.panels / groups, end = (g + 1) * layer.panels / groups;
            const int64_t most = l ? task_rows : first_layer_rows;
            for (int64_t row = 0; row < layer.rows; row += most)
                tasks.push_back({l, begin, end - begin, row, std::min(most, layer.rows - row)});
        }
    }
    return tasks;
}

template <class T>
void Session<T>::make_trail() {
    const size_t depth = layers_.size();
    size_t bytes = Arena::need(layers_[0].inputs, sizeof(T));
    for (const Layer& layer : layers_) bytes += 4 * Arena::need(layer.panels * kernels_.lanes, sizeof(T));
    scratch_ = std::make_unique<Arena>(bytes);
    pointers_.resize(3 * depth);
    for (size_t l = 0; l < depth; ++l)
        for (size_t kind = 0; kind < 3; ++kind)
            pointers_[kind * depth + l] = scratch_->take<T>(layers_[l].panels * kernels_.lanes);
    trail_ = {&pointers_[0], &pointers_[depth], &pointers_[2 * depth], scratch_->take<T>(layers_[0].inputs),
              scratch_->take<T>(layers_[depth - 1].panels * kernels_.lanes)};
}

template <class T>
void Session<T>::make_chunk(int64_t rows, const Samples<T>& samples) {
    const int64_t strips = std::min(round_up(rows, kernels_.strip) / kernels_.strip, chunk_strips);
    if (chunk_ && chunk_->strips >= strips && (chunk_->inputs || !samples.dense)) return;
    auto chunk = std::make_unique<Chunk>();
    const int64_t places = strips * kernels_.strip;
    int64_t slopes = 0, widest = 0;
    chunk->inputs = samples.dense ? layers_[0].inputs + 1 : 0;  // CSR is not written out
    size_t bytes = Arena::need(chunk->inputs * places, sizeof(T));
    for (const Layer& layer : layers_) {
        slopes += layer.units;
        widest = std::max(widest, layer.units);
        bytes += Arena::need((layer.units + 1) * places, sizeof(T));
        bytes += Arena::need(layer.panels * kernels_.lanes * places, sizeof(T));
    }
    chunk->scratch_size = (slopes + 2 * widest) * kernels_.strip;
    const int64_t workers = std::min<int64_t>(threads_, strips);
    bytes += Arena::need(chunk->scratch_size * workers, sizeof(T));
    chunk->arena = std::make_unique<Arena>(bytes);
    chunk->outputs.push_back(chunk->arena->template take<T>(chunk->inputs * places));
    for (const Layer& layer : layers_) {
        chunk->outputs.push_back(chunk->arena->template take<T>((layer.units + 1) * places));
        chunk->delta_rows.push_back(chunk->arena->template take<T>(layer.panels * kernels_.lanes * places));
    }
    chunk->scratch = chunk->arena->template take<T>(chunk->scratch_size * workers);
    chunk->losses.resize(size_t(strips));
    chunk->strips = strips;
    chunk_ = std::move(chunk);
}

// ------------------------------------------------------------------- canonical layout and panels

template <class T>
void Session<T>::pack(const T* vector, T* panels) const {
    const int64_t lanes = kernels_.lanes;
    for (const Layer& layer : layers_)
        for (int64_t i = 0; i < layer.rows; ++i, vector += layer.units)
            for (int64_t k = 0; k < layer.units; ++k)
                panels[layer.offset + (k / lanes * layer.rows + i) * lanes + k % lanes] = vector[k];
}

template <class T>
void Session<T>::unpack(const T* panels, T* vector) const {
    const int64_t lanes = kernels_.lanes;
    for (const Layer& layer : layers_)
        for (int64_t i = 0; i < layer.rows; ++i, vector += layer.units)
            for (int64_t k = 0; k < layer.units; ++k)
                vector[k] = panels[layer.offset + (k / lanes * layer.rows + i) * lanes + k % lanes];
}

template <class T>
T* Session<T>::moment(int index) const {
    return index == 1 || settings_.kind == Optimizer::rmsprop ? store_.square : store_.moment;
}

template <class T>
void Session<T>::set_moments(const T* moments) {
    std::fill_n(store_.moment, network_.size, T(0));
    std::fill_n(store_.square, network_.size, T(0));
    for (int i = 0; moments && i < moment_count(settings_.kind); ++i)
        pack(moments + i * parameters_, moment(i));
}

template <class T>
void Session<T>::moments(T* moments) const {
    for (int i = 0; i < moment_count(settings_.kind); ++i) unpack(moment(i), moments + i * parameters_);
}

// ------------------------------------------------------------------- the run loop

/// The step size with adam's bias correction.
template <class T>
double Session<T>::rate_of(double rate, int64_t step) const {
    if (settings_.kind != Optimizer::adam && settings_.kind != Optimizer::adamw) return rate;
    const double t = double(step) + 1;
    return rate * std::sqrt(1 - std::pow(settings_.second, t)) / (1 - std::pow(settings_.first, t));
}

template <class T>
Update<T> Session<T>::update_of(const RunPlan& plan, double rate, int64_t step) const {
    const double decay = settings_.kind == Optimizer::adamw ? rate * settings_.weight_decay : 0;
    return {settings_.kind,       T(rate_of(rate, step)),
            T(settings_.first),   T(settings_.second),
            T(settings_.epsilon), T(decay),
            T(plan.l1),           T(plan.l2)};
}

/// `count` rows from `position` of an epoch on; of a rule at least one block is evaluated and kept.
template <class T>
const int64_t* Session<T>::rows_of(const RunPlan& plan, int64_t epoch, int64_t position, int64_t count) {
    const OrderSource& from = plan.order;
    if (from.array) return from.array + position;
    const bool same =
        tag_.kind == from.kind && tag_.key == from.key && tag_.epoch == epoch && tag_.rows == samples_.rows;
    if (!same || position < tag_.begin || position + count > tag_.end) {
        const bool whole = from.kind == OrderKind::shuffle;
        const int64_t begin = whole ? 0 : position;
        const int64_t end =
            whole ? samples_.rows : std::min(samples_.rows, position + std::max(count, order_block));
        order_.resize(size_t(std::max<int64_t>(end - begin, int64_t(order_.size()))));
        order(from.kind, from.key, uint64_t(epoch), samples_.rows, begin, end - begin, order_.data());
        tag_ = {from.kind, from.key, epoch, samples_.rows, begin, end};
    }
    return order_.data() + (position - tag_.begin);
}

template <class T>
RunReport Session<T>::run(const RunPlan& asked) {
    watch_->begin();
    const int64_t positions = asked.order.array ? asked.order.length : samples_.rows;
    RunReport report{0, {}, true};
    // A batch has no more rows than there are, however large a number says "all".
    RunPlan plan = asked;
    plan.batch_size = std::min(asked.batch_size, positions);
    const int64_t per_epoch = plan.batch_size > 0 ? (positions - 1) / plan.batch_size + 1 : 0;
    while (per_epoch && report.steps < plan.steps && report.finite && !watch_->stopped) {
        const int64_t at = plan.first_step + report.steps;
        const int64_t epoch = at / per_epoch, step = at % per_epoch;
        const int64_t count = std::min(per_epoch - step, plan.steps - report.steps);
        double loss = report.losses.empty() ? plan.carried : 0;
        report.steps += asked.batch_size == 1 ? run_samples(plan, at, epoch, step, count, loss)
                                              : run_batches(plan, at, epoch, step, count, loss);
        report.losses.push_back(loss);
        report.finite = std::isfinite(loss);
    }
    if (report.losses.empty()) report.losses.push_back(plan.carried);
    return report;
}

template <class T>
int64_t Session<T>::run_samples(const RunPlan& plan, int64_t first, int64_t epoch, int64_t step,
                                int64_t count, double& loss) {
    constexpr int64_t most = 256;
    const double cost = std::max(microseconds(1), 0.05);
    const int64_t block = std::clamp<int64_t>(int64_t(2 * look_every / cost), 1, most);
    double rates[most], decays[most];
    int64_t done = 0;
    while (done < count && std::isfinite(loss)) {
        const int64_t steps = std::min(block, count - done);
        const int64_t global = first + done;
        for (int64_t i = 0; i < steps; ++i) {
            const double rate = plan.rates[global + i - plan.first_step];
            rates[i] = rate_of(rate, global + i + plan.clock);
            decays[i] = settings_.kind == Optimizer::adamw ? rate * settings_.weight_decay : 0;
        }
        const int64_t* rows = rows_of(plan, epoch, step + done, steps);
        SampleRun<T> run{&network_, &samples_,  store_, update_of(plan, 0, 0), trail_, rows, rates, decays,
                         steps,     plan.scale, loss};
        done += kernels_.samples(run);
        loss = run.loss;
        if (watch_->look(cost * double(steps))) break;
    }
    return done;
}

template <class T>
int64_t Session<T>::run_batches(const RunPlan& plan, int64_t first, int64_t epoch, int64_t step,
                                int64_t count, double& loss) {
    const int64_t positions = plan.order.array ? plan.order.length : samples_.rows;
    make_chunk(plan.batch_size, samples_);
    const double cost = microseconds(plan.batch_size);
    for (int64_t done = 0; done < count; ++done) {
        const int64_t global = first + done;
        const int64_t begin = (step + done) * plan.batch_size;
        const int64_t rows = std::min(plan.batch_size, positions - begin);
        const Update<T> update = update_of(plan, plan.rates[global - plan.first_step], global + plan.clock);
        const double met = batch_step(plan, rows_of(plan, epoch, begin, rows), rows, update);
        if (watch_->stopped) return done;  // before its weights were touched
        loss += met;
        if (!std::isfinite(loss) || watch_->look(cost)) return done + 1;
    }
    return count;
}

/// Strips, barrier, weights, chunk by chunk; the last chunk's weights are updated.
template <class T>
double Session<T>::batch_step(const RunPlan& plan, const int64_t* order, int64_t rows,
                              const Update<T>& update) {
    const int64_t chunk_rows = chunk_->strips * kernels_.strip;
    double loss = 0;
    for (int64_t begin = 0; begin < rows; begin += chunk_rows) {
        Batch<T> batch{};
        batch.samples = &samples_;
        batch.update = update;
        batch.order = order + begin;
        batch.count = std::min(chunk_rows, rows - begin);
        batch.factor = T(plan.scale / double(rows));
        batch.backward = true;
        batch.add = begin > 0;
        batch.apply = begin + chunk_rows >= rows;
        loss += pass(batch);
        if (watch_->stopped) break;
    }
    return loss;
}

/// What a pass over so many rows takes at least: 6 operations per row and parameter at about 100
/// (float64: 50) of them a nanosecond.
template <class T>
double Session<T>::microseconds(int64_t rows) const {
    return double(rows) * double(network_.size) * 6 / (sizeof(T) == 4 ? 100e3 : 50e3);
}

/// Threads worth having for so many rows: one for every 15 µs of a pass.
template <class T>
int Session<T>::team(int64_t rows) const {
    const double cost = microseconds(rows);
    if (cost < 20) return 1;
    return std::min(threads_, 1 + int(std::min(cost / 15, 1e6)));
}

/// Runs the tasks of a pass. One that may be left halfway asks between its tasks whether to end.
template <class T>
void Session<T>::run_watched(Batch<T>& batch, int64_t tasks, TaskFunction function, bool may_end) {
    const int threads = team(batch.count);
    const double cost = microseconds(batch.count);
    if (!may_end || cost < look_every) return run_tasks(threads, tasks, function, &batch);
    struct Watched {
        Batch<T>& batch;
        TaskFunction function;
        Watch& watch;
    } watched{batch, function, *watch_};
    run_tasks(
        threads, tasks,
        [](void* context, int worker, int64_t task) {
            auto& [batch, function, watch] = *static_cast<Watched*>(context);
            if (watch.stopped) return;
            function(&batch, worker, task);
            if (worker == 0) watch.look(look_every);
        },
        &watched);
}

/// One chunk; returns Σ w f. Weights stay as they are where the loss became non-finite or the call is
/// to end; an update that has begun is finished.
template <class T>
double Session<T>::pass(Batch<T>& batch) {
    batch.network = &network_;
    batch.store = store_;
    batch.outputs = chunk_->outputs.data();
    batch.delta_rows = chunk_->delta_rows.data();
    batch.scratch = chunk_->scratch;
    batch.scratch_size = chunk_->scratch_size;
    batch.losses = batch.predictions ? nullptr : chunk_->losses.data();
    const std::vector<Task>& tasks = batch.samples->dense ? tasks_ : sparse_tasks_;
    batch.tasks = tasks.data();
    const int64_t strips = round_up(batch.count, kernels_.strip) / kernels_.strip;
    run_watched(batch, strips, kernels_.strip_pass, true);
    if (watch_->stopped) return 0;
    double loss = 0;
    for (int64_t i = 0; batch.losses && i < strips; ++i) loss += batch.losses[i];
    if (batch.backward && (std::isfinite(loss) || !batch.apply))
        run_watched(batch, int64_t(tasks.size()), kernels_.weight_pass, !batch.apply);
    return loss;
}

// ------------------------------------------------------------------- many rows, no steps

template <class T>
void Session<T>::predict(const Samples<T>& samples, T* predictions) {
    watch_->begin();
    make_chunk(samples.rows, samples);
    const int64_t chunk_rows = chunk_->strips * kernels_.strip;
    for (int64_t begin = 0; begin < samples.rows; begin += chunk_rows) {
        Batch<T> batch{};
        batch.samples = &samples;
        batch.first = begin;
        batch.count = std::min(chunk_rows, samples.rows - begin);
        batch.predictions = predictions + begin * layers_.back().units;
        pass(batch);
        if (watch_->look(microseconds(batch.count))) return;
    }
}

template <class T>
double Session<T>::loss(const Samples<T>& samples, T* gradient) {
    watch_->begin();
    make_chunk(samples.rows, samples);
    const int64_t chunk_rows = chunk_->strips * kernels_.strip;
    double total = 0;
    for (int64_t begin = 0; begin < samples.rows; begin += chunk_rows) {
        Batch<T> batch{};
        batch.samples = &samples;
        batch.first = begin;
        batch.count = std::min(chunk_rows, samples.rows - begin);
        batch.factor = 1;
        batch.backward = gradient != nullptr;
        batch.add = begin > 0;
        total += pass(batch);
        if (watch_->look(microseconds(batch.count))) break;
    }
    if (gradient && samples.rows == 0) std::fill_n(gradient, parameters_, T(0));
    else if (gradient) unpack(store_.gradient, gradient);
    return total;
}

template class Session<float>;
template class Session<double>;

}  // namespace deltarule
