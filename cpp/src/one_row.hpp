#pragma once
#include <cmath>
#include <cstring>

#include "deltarule/backprop.hpp"
#include "deltarule/kernels.hpp"
#include "deltarule/optimizers.hpp"
#include "deltarule/sparse.hpp"

/// One row through dense layers in panels, forward, back, and the update: what the kernels of the
/// per-sample road share. How sums are cut depends on the shape of a layer alone.
///
/// a) One row has no second index to vectorise over, so the units of a layer fill the lanes. z is a
///    sum of panel rows, each times one broadcast input, kept in registers from the first input to
///    the last.
/// b) Up to eight panels advance together; a narrow layer is cut into several sums over its inputs.
///    Either way enough additions are in flight to hide the latency of one.
/// c) Backward, a weight row is loaded once: it gives its part of W'δ with the old value, then it is
///    updated and stored. So W of step t makes all deltas although nothing is kept twice.
/// d) Lanes without a unit hold zero weights and zero deltas and stay so; no loop has a mask.
namespace deltarule::DELTARULE_ISA {

/// How an optimiser treats a weight. Where it is `direct`, δ comes multiplied by -rate and the new
/// weight is shrink · w + x δ with shrink = 1 - rate · l2.
template <Optimizer kind_, Penalty penalty_>
struct Policy {
    static constexpr Optimizer kind = kind_;
    static constexpr Penalty penalty = penalty_;
    static constexpr bool direct = kind == Optimizer::sgd && penalty != Penalty::both;
};

/// What an update needs to know of a layer. Handed over by value: a vector store may alias anything
/// that has an address, and would have it all read again.
template <class T>
struct Weights {
    Layer layer;
    Update<T> update;
    Store<T> store;  ///< at the layer's first panel
    T shrink;

    DELTARULE_INLINE int64_t at(int64_t panel, int64_t input) const {
        return (panel * layer.rows + input) * lanes<T>;
    }
};

/// Adds x · δ to the weights at `at`, by whatever the optimiser makes of it; returns the new ones.
template <class P, class T>
DELTARULE_INLINE Vec<T> update_row(const Weights<T>& to, int64_t at, T x, Vec<T> delta) {
    T* const w = to.store.weights + at;
    if constexpr (P::direct) {
        const Vec<T> kept = P::penalty == Penalty::none ? load(w) : load(w) * to.shrink;
        const Vec<T> next = multiply_add<T>(delta, x, kept);
        store(w, next);
        return next;
    } else {
        return update_vector<P::kind, P::penalty, T>(to.update, delta * x, w, to.store.moment + at,
                                                     to.store.square + at);
    }
}

template <class P, class T>
void update_bias(const Weights<T> to, const T* delta) {
    using Free = Policy<P::kind, Penalty::none>;
    for (int64_t p = 0; to.layer.bias && p < to.layer.panels; ++p) {
        const Vec<T> d = load(delta + p * lanes<T>);
        const int64_t at = to.at(p, to.layer.inputs);
        if constexpr (P::direct == Free::direct) update_row<Free, T>(to, at, T(1), d);
        else update_vector<P::kind, Penalty::none, T>(to.update, d, to.store.weights + at, nullptr, nullptr);
    }
}

/// The deltas of a layer's first `panels` panels in registers; 0: left in memory.
template <int panels, class T>
struct Deltas {
    Vec<T> of[panels ? panels : 1];
    const T* memory;

    explicit Deltas(const T* from) : memory(from) {
        for (int p = 0; p < panels; ++p) of[p] = load(from + p * lanes<T>);
    }
    DELTARULE_INLINE Vec<T> operator[](int64_t p) const {
        return panels ? of[p] : load(memory + p * lanes<T>);
    }
};

/// Reads weight rows on the way forward.
template <class T>
struct Look {
    const Layer& layer;
    const T* weights;

    template <int panels>
    DELTARULE_INLINE auto from(int64_t first) const {
        const T* const base = weights + first * layer.rows * lanes<T>;
        const int64_t stride = layer.rows * lanes<T>;
        return [=](int64_t i) {
            return [row = base + i * lanes<T>, stride](int p) { return load(row + p * stride); };
        };
    }
};

/// z of `panels` panels side by side, their inputs cut into `chains` interleaved sums.
template <int panels, int chains, class T, class Visit>
void forward_panels(const Layer& layer, const T* weights, int64_t first, const T* x, T* z, Visit visit) {
    const auto row = visit.template from<panels>(first);
    const T* const bias = weights + (first * layer.rows + layer.inputs) * lanes<T>;
    Vec<T> sum[panels][chains];
    for (int p = 0; p < panels; ++p)
        for (int c = 0; c < chains; ++c)
            sum[p][c] = c == 0 && layer.bias ? load(bias + p * layer.rows * lanes<T>) : splat<T>(T(0));
    auto add = [&](int64_t i, int chain) __attribute__((always_inline)) {
        const auto weights = row(i);
        const T input = x[i];
        for (int p = 0; p < panels; ++p) sum[p][chain] = multiply_add<T>(weights(p), input, sum[p][chain]);
    };
    int64_t i = 0;
    for (; i + chains <= layer.inputs; i += chains)
        for (int c = 0; c < chains; ++c) add(i + c, c);
    for (; i < layer.inputs; ++i) add(i, 0);
    for (int p = 0; p < panels; ++p) {
        for (int c = 1; c < chains; ++c) sum[p][0] += sum[p][c];
        store(z + (first + p) * lanes<T>, sum[p][0]);
    }
}

/// Equation (2) for one row.
template <class T, class Visit>
void forward_layer(const Layer& layer, const T* weights, const T* x, T* z, Visit visit) {
    int64_t p = 0;
    for (; p + 8 <= layer.panels; p += 8) forward_panels<8, 1, T>(layer, weights, p, x, z, visit);
    switch (layer.panels - p) {
        case 1: return forward_panels<1, 4, T>(layer, weights, p, x, z, visit);
        case 2: return forward_panels<2, 4, T>(layer, weights, p, x, z, visit);
        case 3: return forward_panels<3, 2, T>(layer, weights, p, x, z, visit);
        case 4: return forward_panels<4, 2, T>(layer, weights, p, x, z, visit);
        case 5: return forward_panels<5, 1, T>(layer, weights, p, x, z, visit);
        case 6: return forward_panels<6, 1, T>(layer, weights, p, x, z, visit);
        case 7: return forward_panels<7, 1, T>(layer, weights, p, x, z, visit);
        default: return;
    }
}

/// Updates the first layer, its bias left out: nobody asks for ∂f/∂x.
template <class P, class T>
void update_first(const Weights<T> to, const T* x, const T* delta) {
    for (int64_t p = 0; p < to.layer.panels; ++p) {
        const Vec<T> d = load(delta + p * lanes<T>);
        for (int64_t i = 0; i < to.layer.inputs; ++i) update_row<P, T>(to, to.at(p, i), x[i], d);
    }
}

/// One weight row per input: its product with `delta` before, its update with `step` after.
template <class P, int panels, class T>
DELTARULE_INLINE Vec<T> send_back_row(const Weights<T>& to, int64_t i, T x, const Deltas<panels, T>& delta,
                                      const Deltas<panels, T>& step) {
    Vec<T> sum = splat<T>(T(0));
    for (int64_t p = 0; p < (panels ? panels : to.layer.panels); ++p) {
        const int64_t at = to.at(p, i);
        sum = multiply_add<T>(load(to.store.weights + at), delta[p], sum);
        update_row<P, T>(to, at, x, step[p]);
    }
    return sum;
}

/// `upstream` = W'δ with the old W, and W updated, in one pass over W.
template <class P, int panels, class T>
void send_back_panels(const Weights<T> to, const T* x, const T* delta_at, const T* step_at, T* upstream) {
    const Deltas<panels, T> delta(delta_at), step(step_at);
    const int64_t inputs = to.layer.inputs;
    Vec<T> rows[lanes<T>];
    int64_t i = 0;
    for (; i + lanes<T> <= inputs; i += lanes<T>) {
        for (int j = 0; j < lanes<T>; ++j) rows[j] = send_back_row<P>(to, i + j, x[i + j], delta, step);
        store(upstream + i, sums<T>(rows));
    }
    if (i < inputs) {
        for (int j = 0; j < lanes<T>; ++j)
            rows[j] = i + j < inputs ? send_back_row<P>(to, i + j, x[i + j], delta, step) : splat<T>(T(0));
        store(upstream + i, sums<T>(rows));
    }
    update_bias<P, T>(to, step_at);
}

template <class P, class T>
void send_back_and_update(const Weights<T>& to, const T* x, const T* delta, const T* step, T* upstream) {
    if (to.layer.panels == 1) send_back_panels<P, 1, T>(to, x, delta, step, upstream);
    else if (to.layer.panels == 2) send_back_panels<P, 2, T>(to, x, delta, step, upstream);
    else send_back_panels<P, 0, T>(to, x, delta, step, upstream);
}

/// Copies the units of layer l to their row of a trace.
template <class T>
void record(const SampleRun<T>& run, T* const* arrays, int64_t l, const T* from) {
    const int64_t units = run.network->layers[l].units;
    std::memcpy(arrays[l] + run.traced * units, from, size_t(units) * sizeof(T));
}

/// Equations (3) to (5) for one row whose first z is there: fills the trail, returns w f; the output
/// delta is ∂(w f)/∂z.
template <class T>
double forward_row(SampleRun<T>& run, int64_t row) {
    const Network& network = *run.network;
    const Trail<T>& trail = run.trail;
    const int64_t last = network.depth - 1;
    if (run.trace) record(run, run.trace->pre_activations, 0, trail.outputs[0]);
    for (int64_t l = 0; l < last; ++l) {
        const Layer &layer = network.layers[l], &next = network.layers[l + 1];
        const T* const weights = run.store.weights + next.offset;
        activate_hidden<T>(layer, Units<T, true>{layer.units, lanes<T>}, trail.outputs[l], trail.slopes[l]);
        forward_layer<T>(next, weights, trail.outputs[l], trail.outputs[l + 1], Look<T>{next, weights});
        if (run.trace) {
            record(run, run.trace->outputs, l, trail.outputs[l]);
            record(run, run.trace->pre_activations, l + 1, trail.outputs[l + 1]);
        }
    }
    const Units<T, true> at{network.layers[last].units, lanes<T>};
    for (int64_t k = 0; k < at.units; ++k) trail.target[k] = run.samples->target[row * at.units + k];
    T* const delta = trail.deltas[last];
    const Vec<T> f = judge<T>(network, at, trail.outputs[last], trail.slopes[last], trail.target, delta);
    const T weight = run.samples->weight ? run.samples->weight[row] : T(1);
    const T factor = weight * T(run.scale);
    for (int64_t i = 0; factor != T(1) && i < at.count() * lanes<T>; i += lanes<T>)
        store(delta + i, load(delta + i) * factor);
    if (run.trace) {
        record(run, run.trace->outputs, last, trail.outputs[last]);
        record(run, run.trace->deltas, last, delta);
    }
    return double(weight) * double(f[0]);
}

template <class T>
Weights<T> weights_of(const SampleRun<T>& run, const Update<T>& update, int64_t l) {
    const Layer& layer = run.network->layers[l];
    const Store<T>& all = run.store;
    return {layer,
            update,
            {all.weights + layer.offset, all.gradient, all.moment + layer.offset, all.square + layer.offset},
            T(1) - update.rate * update.l2};
}

/// The delta that updates layer l: multiplied by -rate where the policy is direct.
template <class P, class T>
const T* step_of(const Trail<T>& trail, const Update<T>& update, int64_t l, int64_t count) {
    if constexpr (!P::direct) return trail.deltas[l];
    T* const scaled = trail.slopes[l];  // σ' of this layer has done its work
    for (int64_t i = 0; i < count; i += lanes<T>) store(scaled + i, load(trail.deltas[l] + i) * -update.rate);
    return scaled;
}

/// Equations (6), (7) and the update down to layer 1; leaves δ of layer 0 in the trail.
template <class P, class T>
void backward_row(SampleRun<T>& run, const Update<T>& update) {
    const Trail<T>& trail = run.trail;
    for (int64_t l = run.network->depth - 1; l > 0; --l) {
        const T* const step = step_of<P, T>(trail, update, l, run.network->layers[l].panels * lanes<T>);
        const Weights<T> to = weights_of(run, update, l);
        T* const below = trail.deltas[l - 1];
        send_back_and_update<P, T>(to, trail.outputs[l - 1], trail.deltas[l], step, below);
        const Layer& lower = run.network->layers[l - 1];
        hidden_delta<T>(lower, Units<T, true>{lower.units, lanes<T>}, trail.outputs[l - 1],
                        trail.slopes[l - 1], below);
        if (run.trace) record(run, run.trace->deltas, l - 1, below);
    }
}

}  // namespace deltarule::DELTARULE_ISA
