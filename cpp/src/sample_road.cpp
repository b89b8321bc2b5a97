#include "deltarule/sample_road.hpp"

#include <algorithm>

namespace deltarule {
namespace {

/// Blocks of the look-ahead, whose order is drawn; and how many of their rows must meet in a column for
/// mostly-zero rows to be taken in blocks, not one by one (measured).
constexpr Groups blocks{block_samples, 16, true};
constexpr double enough_for_blocks = 2.5;
/// Above this share of columns that are used a list of them is not worth looking for.
constexpr double enough_for_lists = 0.85;

}  // namespace

template <class T>
SampleRoad<T>::SampleRoad(Panels<T>& panels) : panels_(panels) {
    const std::vector<Layer>& layers = panels.layers();
    const int64_t lanes = panels.kernels().lanes, inputs = layers[0].inputs;
    const size_t depth = layers.size();
    const int64_t width = layers[0].panels * lanes, block = block_samples;
    const int64_t rows = (inputs + 1) * block + lanes, overlaps = block * block + lanes;
    size_t bytes = Arena::need(inputs, sizeof(T)) + Arena::need(2 * block * width, sizeof(T)) +
                   Arena::need(inputs, sizeof(int64_t));
    for (const Layer& layer : layers) bytes += 4 * Arena::need(layer.panels * lanes, sizeof(T));
    bytes += 2 * (Arena::need(rows, sizeof(T)) + Arena::need(overlaps, sizeof(T)) +
                  Arena::need(2 * block * width, sizeof(T)) + Arena::need(block * width, sizeof(T)) +
                  Arena::need(inputs, sizeof(int32_t)));
    scratch_ = std::make_unique<Arena>(bytes);
    pointers_.resize(3 * depth);
    for (size_t l = 0; l < depth; ++l)
        for (size_t kind = 0; kind < 3; ++kind)
            pointers_[kind * depth + l] = scratch_->take<T>(layers[l].panels * lanes);
    trail_ = {&pointers_[0], &pointers_[depth], &pointers_[2 * depth], scratch_->take<T>(inputs),
              scratch_->take<T>(layers[depth - 1].panels * lanes)};
    ahead_.scaled = scratch_->take<T>(2 * block * width);
    ahead_.columns = scratch_->take<int64_t>(inputs);
    for (Block<T>& of : ahead_.blocks) {
        of.inputs = scratch_->take<T>(rows);
        of.products = scratch_->take<T>(2 * block * width);
        of.deltas = scratch_->take<T>(block * width);
        of.overlaps = scratch_->take<T>(overlaps);
        of.used = scratch_->take<int32_t>(inputs);
    }
}

template <class T>
SampleRun<T> SampleRoad<T>::run_of(const SamplePlan& plan) {
    SampleRun<T> run{};
    run.network = &panels_.network();
    run.store = panels_.store();
    run.update = panels_.update_of(0, 0, plan.l1, plan.l2);
    run.trail = trail_;
    run.ahead = &ahead_;
    run.order = plan.order;
    run.position = plan.position;
    run.positions = plan.positions;
    run.scale = plan.scale;
    return run;
}

/// Takes up what the last run left behind, or brings the weights up to date where this one does not go
/// on from there.
template <class T>
void SampleRoad<T>::go_on(const SamplePlan& plan) {
    const bool same = plan.position == last_.position && plan.positions == last_.positions &&
                      plan.l1 == last_.l1 && plan.l2 == last_.l2;
    if (!same) {
        settle();
        forget();
    } else if (settled_) {
        keep(false);
        ahead_ = kept_ahead_;
        settled_ = false;
    }
}

template <class T>
int64_t SampleRoad<T>::run(const Samples<T>& samples, const SamplePlan& plan, double& loss) {
    go_on(plan);
    SampleRun<T> run = run_of(plan);
    run.samples = &samples;
    if (panels_.kernels().road(panels_.network(), run.update) == Road::look_ahead) {
        if (!meetings_) meetings_ = meetings(samples, panels_.layers()[0].inputs, blocks);
        run.in_blocks = meetings_->rows >= enough_for_blocks;
        run.lists = meetings_->columns < enough_for_lists;
    }
    run.rates = run.decays = plan.rates;
    run.steps = plan.steps;
    double rates[most_steps], decays[most_steps];
    if (has_clock(run.update.kind)) {
        for (int64_t i = 0; i < plan.steps; ++i) {
            rates[i] = panels_.rate_of(plan.rates[i], plan.clock + i);
            decays[i] = panels_.decay_of(plan.rates[i]);
        }
        run.rates = rates;
        run.decays = decays;
    }
    run.loss = loss;
    run.trace = trace_;
    run.traced = traced_;
    const int64_t done = panels_.kernels().samples(run);
    loss = run.loss;
    traced_ = run.traced;
    last_ = plan;
    last_.position += done;
    return done;
}

template <class T>
void SampleRoad<T>::settle() {
    if (!ahead_.open && ahead_.factor == 1) return;
    keep(true);
    kept_ahead_ = ahead_;
    SampleRun<T> run = run_of(last_);
    panels_.kernels().settle(run);
    settled_ = true;
}

template <class T>
void SampleRoad<T>::forget() {
    ahead_.open = false;
    ahead_.factor = 1;
    settled_ = false;
    last_ = SamplePlan{};
}

template <class T>
void SampleRoad<T>::keep(bool out) {
    const Layer& first = panels_.layers()[0];
    const size_t count = size_t(first.panels * first.rows * panels_.kernels().lanes);
    if (out) kept_.resize(2 * count);
    T* const places[] = {panels_.store().weights + first.offset, panels_.store().moment + first.offset};
    for (size_t i = 0; i < 2; ++i) {
        if (out) std::copy_n(places[i], count, kept_.begin() + int64_t(i * count));
        else std::copy_n(kept_.begin() + int64_t(i * count), count, places[i]);
    }
}

template class SampleRoad<float>;
template class SampleRoad<double>;

}  // namespace deltarule
