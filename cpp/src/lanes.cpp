#include "deltarule/lanes.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <utility>

#include "deltarule/threads.hpp"

namespace deltarule {
namespace {

using Clock = Watch::Clock;

/// Threads come back to be asked for signals after about this time.
constexpr auto slice = std::chrono::milliseconds(20);

/// Steps of one call of the kernel at most.
constexpr int64_t most_steps = 256;

/// The trainings that wait for a lane.
template <class T>
struct Queue {
    std::vector<LaneJob<T>>& jobs;
    Clock::time_point began;
    std::atomic<size_t> next = 0;

    /// The next one that has something to do; null: none is left.
    LaneJob<T>* take() {
        for (size_t index; (index = next.fetch_add(1)) < jobs.size();) {
            if (jobs[index].max_epochs > 0) return &jobs[index];
            jobs[index].end = LaneEnd::last_epoch;
        }
        return nullptr;
    }
};

/// Some blocks of networks that walk through their epochs together. A training that ends makes room
/// for the next one of the queue.
template <class T>
class LaneGroup {
public:
    LaneGroup(const Network& network, const Samples<T>& samples, const LaneWork& work, Queue<T>& queue,
              Watch& watch, int blocks);

    bool idle() const { return active_ == 0; }
    /// Works until the time is over or nothing is left to do.
    void advance(Clock::time_point until);
    /// Takes out the trainings that are under way, as they were when the last whole epoch ended.
    void leave();

private:
    int64_t slots() const { return blocks_ * lanes_; }
    T& at(T* store, int64_t slot, int64_t number) const {
        return store[slot / lanes_ * block_ + number * lanes_ + slot % lanes_];
    }
    void put(int64_t slot, LaneJob<T>* job);
    void take_out(int64_t slot, const Store<T>& from);
    void clear(int64_t slot);
    void move(int64_t from, int64_t to);
    void number(int64_t slot);
    void refill();
    void begin_epoch();
    void fill_order(int64_t position, int64_t count);
    void fill_rates(int64_t steps);
    void fill_factors(int64_t batch);
    void run_steps(int64_t steps);
    void end_epoch();
    bool judge(int64_t slot, double now);
    bool share_rows() const;

    const Network& network_;
    const Samples<T>& samples_;
    const LaneWork& work_;
    Queue<T>& queue_;
    Watch& watch_;
    const Kernels<T>& kernels_;
    const int64_t lanes_;
    int64_t blocks_;  ///< in use
    int64_t block_;   ///< numbers from one block's store to the next one's
    int64_t batch_size_, steps_per_epoch_, steps_per_call_;
    int columns_;

    std::vector<LaneJob<T>*> jobs_;  ///< of every slot; null: idle
    int64_t active_ = 0;
    int64_t step_ = 0;  ///< of the epoch
    bool shared_ = false;
    bool timed_ = false;        ///< step sizes change from step to step
    bool settled_ = false;      ///< and where they do not, they are filled in
    int64_t factor_batch_ = 0;  ///< rows of a step for which the factors of the deltas are filled in
    double seconds_ = 0;        ///< at the last look at the clock
    double unseen_ = 0;         ///< microseconds of work since, estimated
    double cost_;               ///< estimated microseconds of a step of one row

    std::unique_ptr<Arena> arena_;
    Store<T> store_{}, safe_{};
    LaneTrail<T> trail_{};
    std::vector<T*> pointers_;
    T *rates_, *decays_, *first_, *second_, *epsilon_, *l1_, *l2_, *factor_, *finite_;
    double *losses_, *absolute_, *square_;
    int32_t* order_;     ///< of a call of the kernel, [position][slot] or [position]
    int32_t* shuffled_;  ///< of an epoch, [slot][position]
    int64_t* drawn_;     ///< of an epoch
};

template <class T>
LaneGroup<T>::LaneGroup(const Network& network, const Samples<T>& samples, const LaneWork& work,
                        Queue<T>& queue, Watch& watch, int blocks)
    : network_(network),
      samples_(samples),
      work_(work),
      queue_(queue),
      watch_(watch),
      kernels_(kernels<T>()),
      lanes_(kernels_.lanes),
      blocks_(blocks) {
    batch_size_ = std::min(work.batch_size, work.rows);
    const bool abreast = work.batch_size > 1;
    columns_ = !abreast ? blocks : work.batch_size == 2 ? 2 : most_columns;
    steps_per_epoch_ = (work.rows - 1) / batch_size_ + 1;
    cost_ = double(network.size) * double(slots()) * 6 / (sizeof(T) == 4 ? 20e3 : 10e3);
    const double call = 1000 / (cost_ * double(batch_size_));
    steps_per_call_ = std::clamp<int64_t>(int64_t(call), 1, std::max<int64_t>(1, most_steps / batch_size_));
    steps_per_call_ = std::min(steps_per_call_, steps_per_epoch_);
    // A line more than a power of two, so that blocks do not fight for the same places of the cache.
    const int64_t line = 64 / int64_t(sizeof(T));
    block_ = (network.size * lanes_ + 2 * line - 1) / line * line;

    const int64_t all = blocks * block_, numbers = slots(), wide = columns_ * lanes_;
    const int64_t positions = std::max(steps_per_call_ * batch_size_, batch_size_);
    const int64_t whole = work.order == OrderKind::shuffle ? work.rows : positions;
    auto lay = [&](auto take) {
        take(store_.weights, all);
        take(store_.gradient, all);
        take(safe_.weights, all);
        if (has_moment(work.optimizer)) take(store_.moment, all), take(safe_.moment, all);
        if (has_square(work.optimizer)) take(store_.square, all), take(safe_.square, all);
        pointers_.resize(size_t(3 * network.depth + 1));
        take(pointers_[0], 2 * network.layers[0].inputs * wide);
        for (int64_t l = 0; l < network.depth; ++l)
            for (int64_t kind = 0; kind < 3; ++kind)
                take(pointers_[size_t(1 + kind * network.depth + l)], network.layers[l].units * wide);
        take(trail_.target, 2 * network.layers[network.depth - 1].units * wide);
        take(trail_.weight, 2 * wide);
        take(rates_, steps_per_call_ * numbers);
        take(decays_, steps_per_call_ * numbers);
        for (T** each : {&first_, &second_, &epsilon_, &l1_, &l2_, &factor_, &finite_}) take(*each, numbers);
        for (double** each : {&losses_, &absolute_, &square_}) take(*each, std::max(numbers, wide));
        take(order_, positions * numbers);
        take(shuffled_, work.order == OrderKind::shuffle ? work.rows * numbers : 0);
        take(drawn_, whole);
    };
    size_t bytes = 0;
    lay([&]<class N>(N*&, int64_t count) { bytes += Arena::need(count, sizeof(N)); });
    arena_ = std::make_unique<Arena>(bytes);
    lay([&]<class N>(N*& piece, int64_t count) { piece = arena_->take<N>(count); });
    trail_.outputs = pointers_.data();
    trail_.slopes = trail_.outputs + network.depth + 1;
    trail_.deltas = trail_.slopes + network.depth;
    jobs_.resize(size_t(numbers), nullptr);
    for (int64_t slot = 0; slot < numbers; ++slot) clear(slot);
    refill();
}

// ------------------------------------------------------------------- who sits where

/// The numbers of a slot's training as the kernels want them.
template <class T>
void LaneGroup<T>::number(int64_t slot) {
    const LaneJob<T>& job = *jobs_[size_t(slot)];
    first_[slot] = T(job.optimizer.first);
    second_[slot] = T(job.optimizer.second);
    epsilon_[slot] = T(job.optimizer.epsilon);
    l1_[slot] = T(job.l1);
    l2_[slot] = T(job.l2);
}

/// An idle lane: zeros that stay zeros.
template <class T>
void LaneGroup<T>::clear(int64_t slot) {
    for (const Store<T>& store : {store_, safe_})
        for (T* numbers : {store.weights, store.gradient, store.moment, store.square})
            for (int64_t i = 0; numbers && i < network_.size; ++i) at(numbers, slot, i) = 0;
    first_[slot] = second_[slot] = l1_[slot] = l2_[slot] = 0;
    epsilon_[slot] = 1;
    jobs_[size_t(slot)] = nullptr;
}

template <class T>
void LaneGroup<T>::put(int64_t slot, LaneJob<T>* job) {
    jobs_[size_t(slot)] = job;
    job->end = LaneEnd::unfinished;
    const T* moments = job->moments;
    for (int64_t i = 0; i < network_.size; ++i) {
        at(store_.weights, slot, i) = at(safe_.weights, slot, i) = job->parameters[i];
        if (store_.moment) at(store_.moment, slot, i) = at(safe_.moment, slot, i) = *moments++;
    }
    for (int64_t i = 0; store_.square && i < network_.size; ++i)
        at(store_.square, slot, i) = at(safe_.square, slot, i) = *moments++;
    number(slot);
}

template <class T>
void LaneGroup<T>::take_out(int64_t slot, const Store<T>& from) {
    LaneJob<T>& job = *jobs_[size_t(slot)];
    T* moments = job.moments;
    for (int64_t i = 0; i < network_.size; ++i) {
        job.parameters[i] = at(from.weights, slot, i);
        if (from.moment) *moments++ = at(from.moment, slot, i);
    }
    for (int64_t i = 0; from.square && i < network_.size; ++i) *moments++ = at(from.square, slot, i);
}

template <class T>
void LaneGroup<T>::move(int64_t from, int64_t to) {
    for (const Store<T>& store : {store_, safe_})
        for (T* numbers : {store.weights, store.moment, store.square})
            for (int64_t i = 0; numbers && i < network_.size; ++i) at(numbers, to, i) = at(numbers, from, i);
    jobs_[size_t(to)] = jobs_[size_t(from)];
    number(to);
    clear(from);
}

/// Fills idle slots from the queue; where that is empty, closes the gaps and drops idle blocks.
template <class T>
void LaneGroup<T>::refill() {
    active_ = 0;
    int64_t last = slots() - 1;
    for (int64_t slot = 0; slot < slots(); ++slot) {
        if (!jobs_[size_t(slot)])
            if (LaneJob<T>* job = queue_.take()) put(slot, job);
        if (!jobs_[size_t(slot)]) {
            while (last > slot && !jobs_[size_t(last)]) --last;
            if (last > slot) move(last, slot);
        }
        active_ += jobs_[size_t(slot)] != nullptr;
    }
    blocks_ = std::max<int64_t>(1, (active_ + lanes_ - 1) / lanes_);
    if (work_.batch_size == 1) columns_ = int(blocks_);
    timed_ = has_clock(work_.optimizer) || std::any_of(jobs_.begin(), jobs_.end(), [](const LaneJob<T>* job) {
                 return job && job->factors;
             });
    settled_ = false;
    factor_batch_ = 0;
}

template <class T>
void LaneGroup<T>::leave() {
    for (int64_t slot = 0; slot < slots(); ++slot)
        if (jobs_[size_t(slot)]) take_out(slot, safe_);  // counters and numbers of the last whole epoch
}

// ------------------------------------------------------------------- an epoch

/// Whether all trainings meet the same rows in this epoch.
template <class T>
bool LaneGroup<T>::share_rows() const {
    const LaneJob<T>* one = nullptr;
    for (const LaneJob<T>* job : jobs_) {
        if (!job) continue;
        if (!one) one = job;
        if (job->rows != one->rows) return false;
        if (work_.order != OrderKind::sequential && (job->key != one->key || job->epoch != one->epoch))
            return false;
    }
    return true;
}

template <class T>
void LaneGroup<T>::begin_epoch() {
    shared_ = share_rows();
    std::fill_n(losses_, std::max(slots(), columns_ * lanes_), 0.0);
    if (work_.order != OrderKind::shuffle) return;
    const int64_t rows = work_.rows;
    for (int64_t slot = 0; slot < slots(); ++slot) {
        const LaneJob<T>* job = jobs_[size_t(slot)];
        if (!job) continue;
        int32_t* const to = shuffled_ + slot * rows;
        order(work_.order, job->key, uint64_t(job->epoch), rows, 0, rows, drawn_);
        for (int64_t i = 0; i < rows; ++i) to[i] = int32_t(job->rows ? job->rows[drawn_[i]] : drawn_[i]);
        if (shared_) return;
    }
}

/// The rows of `count` positions, slot by slot, or once where all take the same.
template <class T>
void LaneGroup<T>::fill_order(int64_t position, int64_t count) {
    const int64_t apart = shared_ ? 1 : slots();
    for (int64_t slot = 0; slot < slots(); ++slot) {
        const LaneJob<T>* job = jobs_[size_t(slot)];
        if (!job) {
            for (int64_t i = 0; !shared_ && i < count; ++i) order_[i * apart + slot] = 0;
            continue;
        }
        int32_t* const to = order_ + (shared_ ? 0 : slot);
        if (work_.order == OrderKind::shuffle) {
            const int32_t* const from = shuffled_ + slot * work_.rows + position;
            for (int64_t i = 0; i < count; ++i) to[i * apart] = from[i];
        } else {
            order(work_.order, job->key, uint64_t(job->epoch), work_.rows, position, count, drawn_);
            for (int64_t i = 0; i < count; ++i)
                to[i * apart] = int32_t(job->rows ? job->rows[drawn_[i]] : drawn_[i]);
        }
        if (shared_) return;
    }
}

/// Step sizes of the next steps, or one for all where no training's changes within an epoch. What
/// Adam's correction costs is shared by slots at the same step.
template <class T>
void LaneGroup<T>::fill_rates(int64_t steps) {
    if (!timed_) {
        if (settled_) return;
        steps = 1;
    }
    settled_ = true;
    double corrections[most_steps];
    const LaneJob<T>* corrected = nullptr;
    for (int64_t slot = 0; slot < slots(); ++slot) {
        const LaneJob<T>* job = jobs_[size_t(slot)];
        if (!job) {
            for (int64_t s = 0; s < steps; ++s) rates_[s * slots() + slot] = decays_[s * slots() + slot] = 0;
            continue;
        }
        const OptimizerSettings& own = job->optimizer;
        if (has_clock(own.kind) &&
            !(corrected && corrected->clock == job->clock && corrected->optimizer.first == own.first &&
              corrected->optimizer.second == own.second)) {
            for (int64_t s = 0; s < steps; ++s) corrections[s] = bias_correction(own, job->clock + step_ + s);
            corrected = job;
        }
        const double rate = job->rules.rate * job->standing.rate_factor;
        const double* const factors =
            job->factors ? job->factors + job->done * steps_per_epoch_ + step_ : nullptr;
        for (int64_t s = 0; s < steps; ++s) {
            const double here = factors ? factors[s] * rate : rate;
            rates_[s * slots() + slot] = T(has_clock(own.kind) ? here * corrections[s] : here);
            decays_[s * slots() + slot] = T(here * own.weight_decay);
        }
    }
}

template <class T>
void LaneGroup<T>::fill_factors(int64_t batch) {
    if (factor_batch_ == batch) return;
    factor_batch_ = batch;
    for (int64_t slot = 0; slot < slots(); ++slot)
        factor_[slot] = jobs_[size_t(slot)] ? T(jobs_[size_t(slot)]->scale / double(batch)) : T(0);
}

template <class T>
void LaneGroup<T>::run_steps(int64_t steps) {
    const int64_t position = step_ * batch_size_;
    // The last batch of an epoch may be short; it has a call of its own.
    const int64_t batch = std::min(batch_size_, work_.rows - position);
    if (batch == batch_size_) steps = std::min(steps, (work_.rows - position) / batch_size_);
    else steps = 1;
    fill_order(position, steps * batch);
    fill_rates(steps);
    fill_factors(batch);
    // Where the optimiser has no moments the kernels do not touch them.
    const Store<T> store{store_.weights, store_.gradient, store_.moment ? store_.moment : store_.gradient,
                         store_.square ? store_.square : store_.gradient};
    kernels_.networks.steps(
        {&network_,
         &samples_,
         store,
         block_,
         columns_,
         work_.batch_size > 1,
         work_.optimizer,
         work_.has_l1,
         work_.penalised,
         {rates_, decays_, first_, second_, epsilon_, l1_, l2_, factor_, timed_ ? slots() : 0},
         trail_,
         order_,
         shared_,
         steps,
         batch,
         losses_});
    step_ += steps;
    unseen_ += cost_ * double(steps * batch);
}

template <class T>
void LaneGroup<T>::end_epoch() {
    kernels_.networks.look({&network_, store_.weights, block_, int(blocks_), finite_,
                            work_.penalised ? absolute_ : nullptr, square_});
    bool left = false;
    for (int64_t slot = 0; slot < slots(); ++slot) {
        if (!jobs_[size_t(slot)] || !judge(slot, seconds_)) continue;
        clear(slot);
        left = true;
    }
    step_ = 0;
    if (left) refill();
    const auto bytes = size_t(blocks_ * block_) * sizeof(T);
    std::memcpy(safe_.weights, store_.weights, bytes);
    if (safe_.moment) std::memcpy(safe_.moment, store_.moment, bytes);
    if (safe_.square) std::memcpy(safe_.square, store_.square, bytes);
}

/// Notes the epoch of a slot's training; true where it has ended.
template <class T>
bool LaneGroup<T>::judge(int64_t slot, double now) {
    LaneJob<T>& job = *jobs_[size_t(slot)];
    double loss = losses_[slot];
    for (int c = 1; work_.batch_size > 1 && c < columns_; ++c) loss += losses_[c * lanes_ + slot];
    if (!std::isfinite(loss) || finite_[slot] != T(0)) {
        job.end = LaneEnd::non_finite;
        take_out(slot, safe_);
        return true;
    }
    loss /= job.n;
    if (work_.penalised) loss += job.l1 * absolute_[slot] + job.l2 / 2 * square_[slot];
    job.losses[job.done] = loss;
    job.seconds[job.done] = now;
    ++job.done;
    ++job.epoch;
    job.clock += steps_per_epoch_;
    const Noted noted = note(job.rules, job.standing, loss, 0);
    const double factor = job.standing.rate_factor;
    const Verdict verdict = noted.improved ? Verdict::go_on : plateau(job.rules, job.standing);
    settled_ &= factor == job.standing.rate_factor;
    if (verdict == Verdict::converged) job.end = LaneEnd::converged;
    else if (verdict == Verdict::step_too_small) job.end = LaneEnd::step_too_small;
    else if (job.done == job.max_epochs) job.end = LaneEnd::last_epoch;
    else return false;
    take_out(slot, store_);
    return true;
}

template <class T>
void LaneGroup<T>::advance(Clock::time_point until) {
    while (active_ && !watch_.stopped) {
        if (step_ == 0) begin_epoch();
        run_steps(std::min(steps_per_call_, steps_per_epoch_ - step_));
        const bool over = step_ == steps_per_epoch_;
        auto now = queue_.began;
        if (unseen_ > 1) {  // looks at the clock cost more than the epochs of tiny networks
            now = Clock::now();
            seconds_ = std::chrono::duration<double>(now - queue_.began).count();
            unseen_ = 0;
        }
        if (over) end_epoch();
        if (now >= until) return;
    }
}

}  // namespace

// ------------------------------------------------------------------- the session

template <class T>
LaneSession<T>::LaneSession(std::vector<Layer> layers, Loss loss, double loss_parameter, int threads)
    : layers_(std::move(layers)), threads_(threads), watch_(new Watch) {
    int64_t size = 0;
    for (Layer& layer : layers_) {
        layer.rows = layer.inputs + layer.bias;
        layer.offset = size;
        size += layer.rows * layer.units;
    }
    network_ = {layers_.data(), int64_t(layers_.size()), loss, loss_parameter, size};
}

template <class T>
LaneSession<T>::LaneSession(LaneSession&&) noexcept = default;
template <class T>
LaneSession<T>::~LaneSession() = default;

template <class T>
void LaneSession<T>::run(const LaneWork& work, std::vector<LaneJob<T>>& jobs) {
    watch_->begin();
    if (jobs.empty() || work.rows < 1) return;
    Queue<T> queue{jobs, Clock::now()};
    const int64_t lanes = kernels<T>().lanes, blocks = (int64_t(jobs.size()) + lanes - 1) / lanes;
    const int64_t threads = std::clamp<int64_t>(threads_, 1, blocks);
    const int64_t abreast = work.batch_size > 1 ? 1 : most_columns;
    std::vector<LaneGroup<T>> groups;
    groups.reserve(size_t(threads));
    for (int64_t g = 0; g < threads; ++g)
        groups.emplace_back(network_, samples_, work, queue, *watch_,
                            int(std::clamp<int64_t>((blocks + threads - 1) / threads, 1, abreast)));
    struct Slice {
        std::vector<LaneGroup<T>>& groups;
        Clock::time_point until;
    };
    auto busy = [&] {
        return std::any_of(groups.begin(), groups.end(), [](const LaneGroup<T>& g) { return !g.idle(); });
    };
    while (busy() && !watch_->stopped) {
        Slice task{groups, Clock::now() + slice};
        run_tasks(
            int(threads), threads,
            [](void* context, int, int64_t group) {
                Slice& task = *static_cast<Slice*>(context);
                task.groups[size_t(group)].advance(task.until);
            },
            &task);
        watch_->look(look_every);
    }
    for (LaneGroup<T>& group : groups) group.leave();
}

template class LaneSession<float>;
template class LaneSession<double>;

}  // namespace deltarule
