// The per-sample road: one row through the network and back at every step.
//
// Rules that are linear in the gradient look ahead (kernels_look_ahead.cpp). For the others (Adam, AdamW,
// RMSprop, L1) a step's update of the first layer and the forward pass of the next step are one pass over
// its weights: the same operations in the same order as one after the other, so that it changes no bit
// where a run is cut. Rows of CSR are written out first.

#include "kernels_isa.hpp"
#include "one_row.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

/// x of one row: where it lies, or written out from CSR into one of two places by turns.
template <class T>
const T* input_of(const SampleRun<T>& run, int64_t step) {
    const Samples<T>& from = *run.samples;
    const int64_t row = run.order[step], width = run.network->layers[0].inputs;
    if (from.dense) return from.dense + row * width;
    T* const to = run.ahead->blocks[0].inputs + step % 2 * width;
    std::memset(to, 0, size_t(width) * sizeof(T));
    each_entry(from, row, [&](int64_t column, T value) { to[column] += value; });
    return to;
}

/// z of the first layer, one panel after the other, each in one sum: a weight's update takes longer than
/// an addition. With `learn` the weights are updated first, by x and δ of the row before.
template <bool learn, class P, class T>
void first_layer(const Weights<T> to, const T* before, const T* delta, const T* x, T* z) {
    for (int64_t p = 0; p < to.layer.panels; ++p) {
        const int64_t bias = to.at(p, to.layer.inputs);
        const Vec<T> d = learn ? load(delta + p * lanes<T>) : splat<T>(T(0));
        Vec<T> sum = to.layer.bias ? load(to.store.weights + bias) : splat<T>(T(0));
        for (int64_t i = 0; i < to.layer.inputs; ++i) {
            const int64_t at = to.at(p, i);
            Vec<T> w;
            if constexpr (learn) w = update_row<P, T>(to, at, before[i], d);
            else w = load(to.store.weights + at);
            sum = multiply_add<T>(w, x[i], sum);
        }
        store(z + p * lanes<T>, sum);
    }
}

template <class P, class T>
int64_t steps_with(SampleRun<T>& run) {
    Update<T> update = run.update;
    T* const z = run.trail.outputs[0];
    const T* x = input_of(run, 0);
    first_layer<false, P, T>(weights_of(run, update, 0), nullptr, nullptr, x, z);
    for (int64_t step = 0; step < run.steps; ++step) {
        const double loss = forward_row<T>(run, run.order[step]);
        run.loss += loss;
        if (!std::isfinite(loss)) return ++run.traced, step + 1;
        update.rate = T(run.rates[step]);
        update.decay = T(run.decays[step]);
        backward_row<P, T>(run, update);
        const Weights<T> to = weights_of(run, update, 0);
        const T* const delta = step_of<P, T>(run.trail, update, 0, to.layer.panels * lanes<T>);
        ++run.traced;
        update_bias<P, T>(to, delta);
        if (step + 1 == run.steps) {
            update_first<P, T>(to, x, delta);
        } else {
            const T* const next = input_of(run, step + 1);
            first_layer<true, P, T>(to, x, delta, next, z);
            x = next;
        }
    }
    return run.steps;
}

template <Optimizer kind, Penalty penalty>
constexpr bool looks_ahead =
    penalty != Penalty::both &&
    (kind == Optimizer::sgd || kind == Optimizer::momentum || kind == Optimizer::nesterov);

/// Whether (W, V) after a step is a linear function of (W, V) and the gradient before it.
template <class T>
bool is_linear(const Update<T>& u) {
    return u.l1 == 0 &&
           (u.kind == Optimizer::sgd || u.kind == Optimizer::momentum || u.kind == Optimizer::nesterov);
}

}  // namespace

template <class T>
Road sample_road(const Network& network, const Update<T>& update) {
    if (is_tiny(network, update)) return Road::registers;
    return is_linear(update) ? Road::look_ahead : Road::one_pass;
}

template <class T>
int64_t sample_steps(SampleRun<T>& run) {
    FlushDenormals guard;
    const Road road = sample_road(*run.network, run.update);
    if (road == Road::registers) return tiny<T>(run);
    if (road == Road::look_ahead) return look_ahead<T>(run);
    return with_optimizer(run.update.kind, [&]<Optimizer kind>() {
        return with_penalty(run.update, [&]<Penalty penalty>() -> int64_t {
            if constexpr (looks_ahead<kind, penalty>) return 0;  // never: is_linear has seen to it
            else return steps_with<Policy<kind, penalty>, T>(run);
        });
    });
}

template Road sample_road<float>(const Network&, const Update<float>&);
template Road sample_road<double>(const Network&, const Update<double>&);
template int64_t sample_steps<float>(SampleRun<float>& run);
template int64_t sample_steps<double>(SampleRun<double>& run);

}  // namespace deltarule::DELTARULE_ISA
