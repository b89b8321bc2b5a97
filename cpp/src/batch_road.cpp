#include "deltarule/batch_road.hpp"

#include <algorithm>
#include <cmath>
#include <thread>

namespace deltarule {
namespace {

/// Rows of X that go through the network together; more are summed chunk by chunk. A constant, so
/// that sums do not depend on the number of threads.
constexpr int64_t chunk_strips = 20;
constexpr int64_t task_rows = 64;
constexpr int64_t task_panels = 3;
/// More threads than processors serve nobody but tests of few threads on a small machine.
constexpr unsigned fewest_processors = 8;

int64_t round_up(int64_t count, int64_t to) { return (count + to - 1) / to * to; }

int useful_threads(int asked) {
    return std::clamp(asked, 1, int(std::max(std::thread::hardware_concurrency(), fewest_processors)));
}

}  // namespace

/// Buffers of the mini-batch road for a number of strips.
template <class T>
struct BatchRoad<T>::Chunk {
    int64_t strips;
    int64_t inputs;  ///< numbers of a^0 per sample, 0 for CSR
    std::unique_ptr<Arena> arena;
    std::vector<T*> outputs, delta_rows;
    std::vector<double> losses;
    T* scratch;  ///< `scratch_size` numbers for every worker that can have a strip
    int64_t scratch_size;
};

template <class T>
BatchRoad<T>::BatchRoad(Panels<T>& panels, Watch& watch, int threads)
    : panels_(panels), watch_(watch), threads_(useful_threads(threads)) {
    tasks_ = plan_tasks(task_rows);
    sparse_tasks_ = plan_tasks(panels.layers()[0].rows);
}

template <class T>
BatchRoad<T>::~BatchRoad() = default;

template <class T>
int64_t BatchRoad<T>::chunk_rows() const {
    return chunk_->strips * panels_.kernels().strip;
}

/// Cuts the weights into rectangles, by their shape alone. For sparse rows those of the first layer
/// have all rows of their panels, so that each stored entry is looked at once per panel.
template <class T>
std::vector<Task> BatchRoad<T>::plan_tasks(int64_t first_layer_rows) const {
    std::vector<Task> tasks;
    for (int64_t l = 0; l < panels_.network().depth; ++l) {
        const Layer& layer = panels_.layers()[size_t(l)];
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
void BatchRoad<T>::prepare(int64_t rows, const Samples<T>& samples) {
    const int64_t strips =
        std::min(round_up(rows, panels_.kernels().strip) / panels_.kernels().strip, chunk_strips);
    if (chunk_ && chunk_->strips >= strips && (chunk_->inputs || !samples.dense)) return;
    auto chunk = std::make_unique<Chunk>();
    const int64_t places = strips * panels_.kernels().strip;
    int64_t slopes = 0, widest = 0;
    chunk->inputs = samples.dense ? panels_.layers()[0].inputs + 1 : 0;  // CSR is not written out
    size_t bytes = Arena::need(chunk->inputs * places, sizeof(T));
    for (const Layer& layer : panels_.layers()) {
        slopes += layer.units;
        widest = std::max(widest, layer.units);
        bytes += Arena::need((layer.units + 1) * places, sizeof(T));
        bytes += Arena::need(layer.panels * panels_.kernels().lanes * places, sizeof(T));
    }
    chunk->scratch_size = (slopes + 2 * widest) * panels_.kernels().strip;
    const int64_t workers = std::min<int64_t>(threads_, strips);
    bytes += Arena::need(chunk->scratch_size * workers, sizeof(T));
    chunk->arena = std::make_unique<Arena>(bytes);
    chunk->outputs.push_back(chunk->arena->template take<T>(chunk->inputs * places));
    for (const Layer& layer : panels_.layers()) {
        chunk->outputs.push_back(chunk->arena->template take<T>((layer.units + 1) * places));
        chunk->delta_rows.push_back(
            chunk->arena->template take<T>(layer.panels * panels_.kernels().lanes * places));
    }
    chunk->scratch = chunk->arena->template take<T>(chunk->scratch_size * workers);
    chunk->losses.resize(size_t(strips));
    chunk->strips = strips;
    chunk_ = std::move(chunk);
}

/// Strips, barrier, weights, chunk by chunk; the last chunk's weights are updated.
template <class T>
double BatchRoad<T>::step(const Samples<T>& samples, const int64_t* order, int64_t rows,
                          const Update<T>& update, double scale) {
    double loss = 0;
    for (int64_t begin = 0; begin < rows; begin += chunk_rows()) {
        Batch<T> batch{};
        batch.samples = &samples;
        batch.update = update;
        batch.order = order + begin;
        batch.count = std::min(chunk_rows(), rows - begin);
        batch.factor = T(scale / double(rows));
        batch.backward = true;
        batch.add = begin > 0;
        batch.apply = begin + chunk_rows() >= rows;
        loss += pass(batch);
        if (watch_.stopped) break;
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
    } watched{batch, function, watch_};
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
double BatchRoad<T>::pass(Batch<T>& batch) {
    batch.network = &panels_.network();
    batch.store = panels_.store();
    batch.outputs = chunk_->outputs.data();
    batch.delta_rows = chunk_->delta_rows.data();
    batch.places = chunk_->strips * panels_.kernels().strip;
    batch.scratch = chunk_->scratch;
    batch.scratch_size = chunk_->scratch_size;
    batch.losses = batch.predictions ? nullptr : chunk_->losses.data();
    const std::vector<Task>& tasks = batch.samples->dense ? tasks_ : sparse_tasks_;
    batch.tasks = tasks.data();
    const int64_t strips = round_up(batch.count, panels_.kernels().strip) / panels_.kernels().strip;
    run_watched(batch, strips, panels_.kernels().strip_pass, true);
    if (watch_.stopped) return 0;
    double loss = 0;
    for (int64_t i = 0; batch.losses && i < strips; ++i) loss += batch.losses[i];
    if (batch.backward && (std::isfinite(loss) || !batch.apply))
        run_watched(batch, int64_t(tasks.size()), panels_.kernels().weight_pass, !batch.apply);
    return loss;
}

template <class T>
void BatchRoad<T>::predict(const Samples<T>& samples, T* predictions) {
    prepare(samples.rows, samples);
    for (int64_t begin = 0; begin < samples.rows; begin += chunk_rows()) {
        Batch<T> batch{};
        batch.samples = &samples;
        batch.first = begin;
        batch.count = std::min(chunk_rows(), samples.rows - begin);
        batch.predictions = predictions + begin * panels_.layers().back().units;
        pass(batch);
        if (watch_.look(panels_.microseconds(batch.count))) return;
    }
}

template <class T>
double BatchRoad<T>::loss(const Samples<T>& samples, T* gradient) {
    prepare(samples.rows, samples);
    double total = 0;
    for (int64_t begin = 0; begin < samples.rows; begin += chunk_rows()) {
        Batch<T> batch{};
        batch.samples = &samples;
        batch.first = begin;
        batch.count = std::min(chunk_rows(), samples.rows - begin);
        batch.factor = 1;
        batch.backward = gradient != nullptr;
        batch.add = begin > 0;
        total += pass(batch);
        if (watch_.look(panels_.microseconds(batch.count))) break;
    }
    if (gradient && samples.rows == 0) std::fill_n(gradient, panels_.size(), T(0));
    else if (gradient) panels_.gradient(gradient);
    return total;
}

template class BatchRoad<float>;
template class BatchRoad<double>;

}  // namespace deltarule
