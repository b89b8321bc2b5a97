// The per-sample road: one row through the network and back at every step.
//
// a) One row has no second index to vectorise over, so the units of a layer fill the lanes. Weights
//    lie in panels [units / lanes][inputs + bias][lanes]: z is a sum of panel rows, each times one
//    broadcast input, kept in registers from the bias to the last input.
// b) Up to eight panels advance together; a narrow layer is cut into several sums over its inputs.
//    Either way enough additions are in flight to hide the latency of one.
// c) Backward, a weight row is loaded once: it gives its part of W'δ with the old value, then it is
//    updated and stored. So W of step t makes all deltas although nothing is kept twice.
// d) Lanes without a unit hold zero weights and zero deltas and stay so; no loop has a mask.
// e) How sums are cut depends on the shape alone: the same numbers for any cut of a run.

#include <cmath>
#include <cstring>

#include "deltarule/backprop.hpp"
#include "deltarule/kernels.hpp"
#include "deltarule/optimizers.hpp"
#include "kernels_isa.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

/// z of `panels` panels side by side, their inputs cut into `chains` interleaved sums.
template <int panels, int chains, class T>
void forward_panels(const Layer& layer, const T* weights, const T* x, T* z) {
    const int64_t stride = layer.rows * lanes<T>;
    Vec<T> sum[panels][chains];
    for (int p = 0; p < panels; ++p)
        for (int c = 0; c < chains; ++c)
            sum[p][c] =
                c == 0 && layer.bias ? load(weights + p * stride + layer.inputs * lanes<T>) : splat<T>(T(0));
    const T* row = weights;
    int64_t i = 0;
    for (; i + chains <= layer.inputs; i += chains, row += chains * lanes<T>)
        for (int c = 0; c < chains; ++c)
            for (int p = 0; p < panels; ++p) sum[p][c] += load(row + p * stride + c * lanes<T>) * x[i + c];
    for (; i < layer.inputs; ++i, row += lanes<T>)
        for (int p = 0; p < panels; ++p) sum[p][0] += load(row + p * stride) * x[i];
    for (int p = 0; p < panels; ++p) {
        for (int c = 1; c < chains; ++c) sum[p][0] += sum[p][c];
        store(z + p * lanes<T>, sum[p][0]);
    }
}

/// Equation (2) for one row.
template <class T>
void forward_layer(const Layer& layer, const T* weights, const T* x, T* z) {
    const int64_t stride = layer.rows * lanes<T>;
    int64_t p = 0;
    for (; p + 8 <= layer.panels; p += 8)
        forward_panels<8, 1, T>(layer, weights + p * stride, x, z + p * lanes<T>);
    weights += p * stride;
    z += p * lanes<T>;
    switch (layer.panels - p) {
        case 1: return forward_panels<1, 4, T>(layer, weights, x, z);
        case 2: return forward_panels<2, 4, T>(layer, weights, x, z);
        case 3: return forward_panels<3, 2, T>(layer, weights, x, z);
        case 4: return forward_panels<4, 2, T>(layer, weights, x, z);
        case 5: return forward_panels<5, 1, T>(layer, weights, x, z);
        case 6: return forward_panels<6, 1, T>(layer, weights, x, z);
        case 7: return forward_panels<7, 1, T>(layer, weights, x, z);
        default: return;
    }
}

/// What an update needs to know of a layer; `delta` is scaled by -rate for plain SGD.
template <class T>
struct Weights {
    const Layer& layer;
    const Update<T>& update;
    Store<T> store;  ///< at the layer's first panel
};

/// Adds input x times delta to the weights at `at`, by whatever the optimiser makes of it.
template <Optimizer kind, bool penalised, class T>
DELTARULE_INLINE void update_row(const Weights<T>& to, int64_t at, T x, Vec<T> delta) {
    T* w = to.store.weights + at;
    if constexpr (kind == Optimizer::sgd && !penalised) store(w, load(w) + delta * x);
    else
        update_vector<kind, penalised, T>(to.update, delta * x, w, to.store.moment + at,
                                          to.store.square + at);
}

template <Optimizer kind, bool penalised, class T>
void update_bias(const Weights<T>& to, const T* delta) {
    if (!to.layer.bias) return;
    for (int64_t p = 0; p < to.layer.panels; ++p) {
        const int64_t at = (p * to.layer.rows + to.layer.inputs) * lanes<T>;
        constexpr bool plain = kind == Optimizer::sgd;  // its delta is scaled where not penalised
        if (plain && penalised)
            update_vector<kind, false, T>(to.update, load(delta + p * lanes<T>), to.store.weights + at,
                                          to.store.moment + at, to.store.square + at);
        else update_row<kind, false, T>(to, at, T(1), load(delta + p * lanes<T>));
    }
}

/// Updates the first layer: nobody asks for ∂f/∂x.
template <Optimizer kind, bool penalised, class T>
void update_first(const Weights<T>& to, const T* x, const T* delta) {
    for (int64_t p = 0; p < to.layer.panels; ++p) {
        const Vec<T> d = load(delta + p * lanes<T>);
        const int64_t start = p * to.layer.rows * lanes<T>;
        for (int64_t i = 0; i < to.layer.inputs; ++i)
            update_row<kind, penalised, T>(to, start + i * lanes<T>, x[i], d);
    }
    update_bias<kind, penalised, T>(to, delta);
}

/// One weight row per input: its product with `delta` before, its update with `step` after.
template <Optimizer kind, bool penalised, class T>
DELTARULE_INLINE Vec<T> send_back_row(const Weights<T>& to, int64_t i, T x, const T* delta, const T* step) {
    Vec<T> sum = splat<T>(T(0));
    int64_t at = i * lanes<T>;
    for (int64_t p = 0; p < to.layer.panels; ++p, at += to.layer.rows * lanes<T>) {
        sum += load(to.store.weights + at) * load(delta + p * lanes<T>);
        update_row<kind, penalised, T>(to, at, x, load(step + p * lanes<T>));
    }
    return sum;
}

/// `upstream` = W'δ with the old W, and W updated, in one pass over W.
template <Optimizer kind, bool penalised, class T>
void send_back_and_update(const Weights<T>& to, const T* x, const T* delta, const T* step, T* upstream) {
    const int64_t inputs = to.layer.inputs;
    Vec<T> rows[lanes<T>];
    int64_t i = 0;
    for (; i + lanes<T> <= inputs; i += lanes<T>) {
        for (int j = 0; j < lanes<T>; ++j)
            rows[j] = send_back_row<kind, penalised, T>(to, i + j, x[i + j], delta, step);
        store(upstream + i, sums<T>(rows));
    }
    if (i < inputs) {
        for (int j = 0; j < lanes<T>; ++j)
            rows[j] = i + j < inputs ? send_back_row<kind, penalised, T>(to, i + j, x[i + j], delta, step)
                                     : splat<T>(T(0));
        store(upstream + i, sums<T>(rows));
    }
    update_bias<kind, penalised, T>(to, step);
}

template <class T, class Index>
const T* write_out(const Samples<T>& from, const Index* columns, const Index* starts, int64_t row,
                   int64_t width, T* to) {
    std::memset(to, 0, size_t(width) * sizeof(T));
    for (Index at = starts[row]; at < starts[row + 1]; ++at) to[columns[at]] += from.values[at];
    return to;
}

/// x of one row: where it lies, or written out from CSR.
template <class T>
DELTARULE_INLINE const T* input_of(const Samples<T>& from, int64_t row, int64_t width, T* to) {
    if (from.dense) return from.dense + row * width;
    if (from.columns32) return write_out(from, from.columns32, from.starts32, row, width, to);
    return write_out(from, from.columns64, from.starts64, row, width, to);
}

/// Equations (1) to (5) for one row: fills the trail, returns w f; the output delta is ∂(w f)/∂z.
template <class T>
double forward_row(SampleRun<T>& run, const T* x, int64_t row) {
    const Network& network = *run.network;
    const Trail<T>& trail = run.trail;
    const int64_t depth = network.depth;
    const T* input = x;
    for (int64_t l = 0; l < depth; ++l) {
        const Layer& layer = network.layers[l];
        forward_layer<T>(layer, run.store.weights + layer.offset, input, trail.outputs[l]);
        if (l + 1 < depth)
            activate_hidden<T>(layer, Units<T, true>{layer.units, lanes<T>}, trail.outputs[l],
                               trail.slopes[l]);
        input = trail.outputs[l];
    }
    const Units<T, true> at{network.layers[depth - 1].units, lanes<T>};
    for (int64_t k = 0; k < at.units; ++k) trail.target[k] = run.samples->target[row * at.units + k];
    const Vec<T> f = judge<T>(network, at, trail.outputs[depth - 1], trail.slopes[depth - 1], trail.target,
                              trail.deltas[depth - 1]);
    const T weight = run.samples->weight ? run.samples->weight[row] : T(1);
    const T factor = weight * T(run.scale);
    if (factor != T(1))
        for (int64_t i = 0; i < at.count() * lanes<T>; i += lanes<T>)
            store(trail.deltas[depth - 1] + i, load(trail.deltas[depth - 1] + i) * factor);
    return double(weight) * double(f[0]);
}

/// Equations (6), (7) and the update, from deep to shallow.
template <Optimizer kind, bool penalised, class T>
void backward_row(SampleRun<T>& run, const Update<T>& update, const T* x) {
    const Trail<T>& trail = run.trail;
    for (int64_t l = run.network->depth - 1; l >= 0; --l) {
        const Layer& layer = run.network->layers[l];
        const Store<T>& all = run.store;
        const Weights<T> to{
            layer,
            update,
            {all.weights + layer.offset, all.gradient, all.moment + layer.offset, all.square + layer.offset}};
        const T* step = trail.deltas[l];
        if constexpr (kind == Optimizer::sgd && !penalised) {
            T* scaled = trail.slopes[l];  // σ' of this layer has done its work
            for (int64_t i = 0; i < layer.panels * lanes<T>; i += lanes<T>)
                store(scaled + i, load(step + i) * -update.rate);
            step = scaled;
        }
        if (l == 0) return update_first<kind, penalised, T>(to, x, step);
        T* below = trail.deltas[l - 1];
        send_back_and_update<kind, penalised, T>(to, trail.outputs[l - 1], trail.deltas[l], step, below);
        const Layer& lower = run.network->layers[l - 1];
        hidden_delta<T>(lower, Units<T, true>{lower.units, lanes<T>}, trail.outputs[l - 1],
                        trail.slopes[l - 1], below);
    }
}

template <Optimizer kind, bool penalised, class T>
int64_t steps_with(SampleRun<T>& run) {
    Update<T> update = run.update;
    for (int64_t step = 0; step < run.steps; ++step) {
        const int64_t row = run.order[step];
        const T* x = input_of(*run.samples, row, run.network->layers[0].inputs, run.trail.input);
        const double loss = forward_row<T>(run, x, row);
        run.loss += loss;
        if (!std::isfinite(loss)) return step + 1;
        update.rate = T(run.rates[step]);
        update.decay = T(run.decays[step]);
        backward_row<kind, penalised, T>(run, update, x);
    }
    return run.steps;
}

}  // namespace

template <class T>
int64_t sample_steps(SampleRun<T>& run) {
    FlushDenormals guard;
    return with_optimizer(run.update.kind, [&]<Optimizer kind>() {
        const bool penalised = penalises(run.update) || kind == Optimizer::adamw;
        return penalised ? steps_with<kind, true, T>(run) : steps_with<kind, false, T>(run);
    });
}

template int64_t sample_steps<float>(SampleRun<float>& run);
template int64_t sample_steps<double>(SampleRun<double>& run);

}  // namespace deltarule::DELTARULE_ISA
