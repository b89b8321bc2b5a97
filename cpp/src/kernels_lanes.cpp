// The lanes road: many networks at once, one in each lane.
//
// a) All numbers of a network lie in one lane, [number][lane], so every operation is vertical and a
//    lane never sees another: a network's bits do not depend on who shares its block.
// b) A step of a tiny network is a chain of dependent operations. A few columns are worked on side by
//    side, so that the machine has others to do while it waits for one: with one row a step they are
//    blocks, in batches rows of one block, for which a weight is then loaded once.
// c) Rows are gathered one step ahead into [number][column][lane]: broadcast where all lanes take the
//    same, else transposed in registers. A store is then long done when its number is loaded.
// d) Plain SGD of one row a step updates W in the pass that sends δ back. All others sum the gradient
//    of the step and update in a pass of their own.
// e) A batch that does not fill the columns repeats its last row with weight zero.

#include <cstring>

#include "deltarule/backprop.hpp"
#include "deltarule/kernels.hpp"
#include "deltarule/optimizers.hpp"
#include "kernels_isa.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

// ------------------------------------------------------------------- equations (2) and (3)

/// z of `units` units from `first` on, in all columns.
template <int units, int columns, bool abreast, class T>
DELTARULE_INLINE void sum_units(const Layer& layer, const T* weights, int64_t block, const T* a,
                                int64_t first, T* z) {
    const int64_t inputs = layer.inputs, row = layer.units * lanes<T>;
    const T* w = weights + first * lanes<T>;
    const T* const bias = w + inputs * row;
    Vec<T> sum[units][columns];
    for (int u = 0; u < units; ++u)
        for (int c = 0; c < columns; ++c)
            sum[u][c] = layer.bias ? load(bias + u * lanes<T> + (abreast ? 0 : c * block)) : splat<T>(T(0));
    for (int64_t i = 0; i < inputs; ++i, w += row, a += columns * lanes<T>) {
        for (int u = 0; u < units; ++u) {
            const Vec<T> shared = load(w + u * lanes<T>);
            for (int c = 0; c < columns; ++c) {
                const Vec<T> weight = abreast || c == 0 ? shared : load(w + u * lanes<T> + c * block);
                sum[u][c] = multiply_add<T>(weight, load(a + c * lanes<T>), sum[u][c]);
            }
        }
    }
    for (int u = 0; u < units; ++u)
        for (int c = 0; c < columns; ++c) store(z + ((first + u) * columns + c) * lanes<T>, sum[u][c]);
}

template <int columns, bool abreast, class T>
void sum_layer(const Layer& layer, const T* weights, int64_t block, const T* a, T* z) {
    constexpr int tile = 8 / columns;
    int64_t u = 0;
    for (; u + tile <= layer.units; u += tile)
        sum_units<tile, columns, abreast, T>(layer, weights, block, a, u, z);
    for (; u < layer.units; ++u) sum_units<1, columns, abreast, T>(layer, weights, block, a, u, z);
}

/// A hidden layer in place, all columns; softmax is a sum over units and takes them one by one.
template <int columns, class T>
void activate_columns(const Layer& layer, T* z, T* slope) {
    if (layer.activation != Activation::softmax)
        return activate_hidden<T>(layer, Units<T, false>{layer.units * columns, lanes<T>}, z, slope);
    const Units<T, false> at{layer.units, columns * lanes<T>};
    for (int c = 0; c < columns; ++c) activate_hidden<T>(layer, at, z + c * lanes<T>, slope + c * lanes<T>);
}

/// Where layer `l` finds what to multiply a delta by before it leaves the registers; null: softmax, whose
/// delta is a sum over units and follows in `pull_back_softmax`.
template <class T>
const T* slopes_of(const LaneRun<T>& run, int64_t l) {
    return run.network->layers[l].activation == Activation::softmax ? nullptr : run.trail.slopes[l];
}

template <int columns, class T>
void pull_back_softmax(const LaneRun<T>& run, int64_t l) {
    const Layer& layer = run.network->layers[l];
    if (layer.activation != Activation::softmax) return;
    const Units<T, false> at{layer.units, columns * lanes<T>};
    for (int c = 0; c < columns; ++c)
        softmax_pullback<T>(at, run.trail.outputs[l + 1] + c * lanes<T>, run.trail.deltas[l] + c * lanes<T>);
}

/// The sums W'δ of one unit in all columns, times σ'(z).
template <int columns, class T>
DELTARULE_INLINE void store_upstream(const Vec<T> (&sum)[columns], const T* slope, T* upstream,
                                     int64_t unit) {
    const int64_t at = unit * columns * lanes<T>;
    for (int c = 0; c < columns; ++c)
        store(upstream + at + c * lanes<T>, slope ? sum[c] * load(slope + at + c * lanes<T>) : sum[c]);
}

// ------------------------------------------------------------------- equations (6) and (7)

/// `upstream` = W'δ ⊙ slope with the old W (not for the first layer), and W updated by plain SGD. The two
/// vectors of each column are -rate and, where the weights shrink, 1 - rate · l2.
template <int columns, bool first, bool shrinks, class T>
void learn_layer(const Layer& layer, T* weights, int64_t block, const T* a, const T* delta, const T* slope,
                 T* upstream, const Vec<T> (&step)[columns], const Vec<T> (&shrink)[columns]) {
    T* w = weights;
    for (int64_t i = 0; i < layer.inputs; ++i, w += layer.units * lanes<T>) {
        Vec<T> scaled[columns], sum[columns];
        for (int c = 0; c < columns; ++c) {
            scaled[c] = load(a + (i * columns + c) * lanes<T>) * step[c];
            sum[c] = splat<T>(T(0));
        }
        const T* d = delta;
        for (int64_t j = 0; j < layer.units; ++j) {
            for (int c = 0; c < columns; ++c, d += lanes<T>) {
                T* const at = w + j * lanes<T> + c * block;
                const Vec<T> old = first ? load(at) : in_register<T>(load(at));
                const Vec<T> here = first ? load(d) : in_register<T>(load(d));
                if constexpr (!first) sum[c] = multiply_add<T>(old, here, sum[c]);
                store(at, multiply_add<T>(scaled[c], here, shrinks ? old * shrink[c] : old));
            }
        }
        if constexpr (!first) store_upstream<columns, T>(sum, slope, upstream, i);
    }
    const T* d = delta;
    for (int64_t j = 0; layer.bias && j < layer.units; ++j)
        for (int c = 0; c < columns; ++c, d += lanes<T>) {
            T* const at = w + j * lanes<T> + c * block;
            store(at, multiply_add<T>(step[c], load(d), load(at)));
        }
}

/// `upstream` = W'δ ⊙ slope, and the gradient set to that of these columns or, with `add`, raised by it.
template <int columns, bool abreast, class T>
void add_layer(const Layer& layer, const T* weights, T* gradient, int64_t block, const T* a, const T* delta,
               const T* slope, T* upstream, bool add) {
    constexpr int sums = abreast ? 1 : columns;
    const T* w = weights;
    T* g = gradient;
    for (int64_t i = 0; i < layer.inputs; ++i) {
        Vec<T> input[columns], sum[columns];
        for (int c = 0; c < columns; ++c) {
            input[c] = load(a + (i * columns + c) * lanes<T>);
            sum[c] = splat<T>(T(0));
        }
        const T* d = delta;
        for (int64_t j = 0; j < layer.units; ++j, w += lanes<T>, g += lanes<T>) {
            for (int s = 0; s < sums; ++s) {
                const Vec<T> weight = load(w + s * block);
                Vec<T> total = add ? load(g + s * block) : splat<T>(T(0));
                for (int c = s; c < (abreast ? columns : s + 1); ++c, d += lanes<T>) {
                    const Vec<T> here = load(d);
                    sum[c] = multiply_add<T>(weight, here, sum[c]);
                    total = multiply_add<T>(input[c], here, total);
                }
                store(g + s * block, total);
            }
        }
        if (upstream) store_upstream<columns, T>(sum, slope, upstream, i);
    }
    const T* d = delta;
    for (int64_t j = 0; layer.bias && j < layer.units; ++j, g += lanes<T>)
        for (int s = 0; s < sums; ++s) {
            Vec<T> total = add ? load(g + s * block) : splat<T>(T(0));
            for (int c = s; c < (abreast ? columns : s + 1); ++c, d += lanes<T>) total += load(d);
            store(g + s * block, total);
        }
}

// ------------------------------------------------------------------- the update

/// `Update` with numbers of its own for each lane.
template <class T>
struct LaneUpdate {
    Vec<T> rate, first, second, epsilon, decay, l1, l2;
};

template <Optimizer kind, Penalty penalty, class T>
void update_block(const LaneRun<T>& run, const LaneUpdate<T> update, int64_t from) {
    const Store<T>& all = run.store;
    auto range = [&]<Penalty with>(int64_t begin, int64_t count) {
        for (int64_t i = begin; i < begin + count * lanes<T>; i += lanes<T>)
            update_vector<kind, with, T>(update, load(all.gradient + i), all.weights + i, all.moment + i,
                                         all.square + i);
    };
    for (int64_t l = 0; l < run.network->depth; ++l) {
        const Layer& layer = run.network->layers[l];
        const int64_t at = from + layer.offset * lanes<T>, weights = layer.inputs * layer.units;
        range.template operator()<penalty>(at, weights);
        if (layer.bias) range.template operator()<Penalty::none>(at + weights * lanes<T>, layer.units);
    }
}

template <class T>
void update_blocks(const LaneRun<T>& run, int64_t step) {
    const LaneSettings<T>& all = run.numbers;
    Update<T> which;  // says which penalty there is
    which.kind = run.optimizer;
    which.l1 = run.has_l1;
    which.l2 = 1;
    with_optimizer(run.optimizer, [&]<Optimizer kind>() {
        with_penalty(which, [&]<Penalty penalty>() {
            for (int b = 0; b < (run.abreast ? 1 : run.columns); ++b) {
                const int64_t at = b * lanes<T>, timed = step * all.rate_stride + at;
                const LaneUpdate<T> update{load(all.rates + timed),  load(all.first + at),
                                           load(all.second + at),    load(all.epsilon + at),
                                           load(all.decays + timed), load(all.l1 + at),
                                           load(all.l2 + at)};
                update_block<kind, penalty, T>(run, update, b * run.block);
            }
        });
    });
}

// ------------------------------------------------------------------- rows

/// Rows one after another into [number][column][lane]: the piece of column `column`.
template <class T>
void gather_own(const T* from, int64_t rows, int64_t width, const int32_t* order, int columns, T* to) {
    const int64_t apart = columns * lanes<T>;
    int64_t i = 0;
    for (; width - i >= lanes<T> / 2; i += lanes<T>) {
        Vec<T> square[lanes<T>];
        for (int n = 0; n < lanes<T>; ++n) {
            const int64_t at = order[n] * width + i;
            if (at + lanes<T> <= rows * width) {
                square[n] = load(from + at);
            } else {
                T part[lanes<T>] = {};
                std::memcpy(part, from + at, size_t(rows * width - at) * sizeof(T));
                square[n] = load(part);
            }
        }
        transpose<T>(square);
        const int64_t left = width - i;
        for (int n = 0; n < (left < lanes<T> ? int(left) : lanes<T>); ++n)
            store(to + (i + n) * apart, square[n]);
    }
    for (; i < width; ++i)
        for (int n = 0; n < lanes<T>; ++n) to[i * apart + n] = from[order[n] * width + i];
}

template <class T>
void gather_shared(const T* from, int64_t width, int columns, T* to) {
    for (int64_t i = 0; i < width; ++i) store(to + i * columns * lanes<T>, splat<T>(from[i]));
}

/// Where the numbers of gathered rows lie: the trail has room for two of them.
template <class T>
struct Gathered {
    T* inputs;
    T* target;
    T* weight;
};

template <class T>
Gathered<T> gathered(const LaneRun<T>& run, int half) {
    const Layer &first = run.network->layers[0], &last = run.network->layers[run.network->depth - 1];
    const int64_t apart = half * run.columns * lanes<T>;
    return {run.trail.outputs[0] + first.inputs * apart, run.trail.target + last.units * apart,
            run.trail.weight + apart};
}

/// The rows of one piece of a step: every column's own, in batches a few of one block's.
template <int columns, bool abreast, class T>
void gather(const LaneRun<T>& run, int64_t step, int64_t piece, int half) {
    const Samples<T>& samples = *run.samples;
    const int64_t inputs = run.network->layers[0].inputs,
                  outputs = run.network->layers[run.network->depth - 1].units;
    const Gathered<T> to = gathered(run, half);
    for (int c = 0; c < columns; ++c) {
        int64_t within = abreast ? piece * columns + c : 0;
        if (within >= run.batch) within = run.batch - 1;
        const int64_t position = step * run.batch + within;
        if (run.shared) {
            const int64_t row = run.order[position];
            gather_shared<T>(samples.dense + row * inputs, inputs, columns, to.inputs + c * lanes<T>);
            gather_shared<T>(samples.target + row * outputs, outputs, columns, to.target + c * lanes<T>);
            if (samples.weight) store(to.weight + c * lanes<T>, splat<T>(samples.weight[row]));
        } else {
            const int32_t* const order = run.order + (abreast ? position : position * columns + c) * lanes<T>;
            gather_own<T>(samples.dense, samples.rows, inputs, order, columns, to.inputs + c * lanes<T>);
            gather_own<T>(samples.target, samples.rows, outputs, order, columns, to.target + c * lanes<T>);
            for (int n = 0; samples.weight && n < lanes<T>; ++n)
                to.weight[c * lanes<T> + n] = samples.weight[order[n]];
        }
    }
}

// ------------------------------------------------------------------- steps

/// Sums in float64, lane by lane.
template <class T>
DELTARULE_INLINE void add_losses(Vec<T> f, const T* weight, double* to) {
    T values[lanes<T>];
    store(values, f);
    if (weight)
        for (int n = 0; n < lanes<T>; ++n) to[n] += double(values[n]) * double(weight[n]);
    else
        for (int n = 0; n < lanes<T>; ++n) to[n] += double(values[n]);
}

/// Equations (2) to (5) for one piece: fills the trail and adds to the losses.
template <int columns, bool abreast, class T>
void forward(const LaneRun<T>& run, const Gathered<T>& rows, int64_t piece) {
    const Network& network = *run.network;
    const LaneTrail<T>& trail = run.trail;
    const int64_t last = network.depth - 1;
    for (int64_t l = 0; l <= last; ++l) {
        const Layer& layer = network.layers[l];
        sum_layer<columns, abreast, T>(layer, run.store.weights + layer.offset * lanes<T>, run.block,
                                       l == 0 ? rows.inputs : trail.outputs[l], trail.outputs[l + 1]);
        if (l < last) activate_columns<columns, T>(layer, trail.outputs[l + 1], trail.slopes[l]);
    }
    const Units<T, false> at{network.layers[last].units, columns * lanes<T>};
    for (int c = 0; c < columns; ++c) {
        const int64_t here = c * lanes<T>;
        T* const delta = trail.deltas[last] + here;
        const Vec<T> f = judge<T>(network, at, trail.outputs[last + 1] + here, trail.slopes[last] + here,
                                  rows.target + here, delta);
        const bool filling = abreast && piece * columns + c >= run.batch;
        Vec<T> factor = load(run.numbers.factor + (abreast ? 0 : here));
        if (run.samples->weight) factor *= load(rows.weight + here);
        if (filling) factor = splat<T>(T(0));
        for (int64_t i = 0; i < at.units * at.step; i += at.step) store(delta + i, load(delta + i) * factor);
        if (!filling) add_losses<T>(f, run.samples->weight ? rows.weight + here : nullptr, run.losses + here);
    }
}

/// Equations (6), (7) and the update, layer by layer, for plain SGD of one row a step.
template <int columns, bool shrinks, class T>
void learn(const LaneRun<T>& run, const T* inputs, int64_t step) {
    const LaneTrail<T>& trail = run.trail;
    Vec<T> back[columns], shrink[columns];
    for (int c = 0; c < columns; ++c) {
        const Vec<T> rate = load(run.numbers.rates + step * run.numbers.rate_stride + c * lanes<T>);
        back[c] = -rate;
        shrink[c] = T(1) - rate * load(run.numbers.l2 + c * lanes<T>);
    }
    for (int64_t l = run.network->depth - 1; l >= 0; --l) {
        const Layer& layer = run.network->layers[l];
        T* const weights = run.store.weights + layer.offset * lanes<T>;
        if (l == 0)
            return learn_layer<columns, true, shrinks, T>(layer, weights, run.block, inputs, trail.deltas[0],
                                                          nullptr, nullptr, back, shrink);
        learn_layer<columns, false, shrinks, T>(layer, weights, run.block, trail.outputs[l], trail.deltas[l],
                                                slopes_of(run, l - 1), trail.deltas[l - 1], back, shrink);
        pull_back_softmax<columns, T>(run, l - 1);
    }
}

/// Equations (6) and (7) into the gradient.
template <int columns, bool abreast, class T>
void add_gradient(const LaneRun<T>& run, const T* inputs, bool add) {
    const LaneTrail<T>& trail = run.trail;
    for (int64_t l = run.network->depth - 1; l >= 0; --l) {
        const Layer& layer = run.network->layers[l];
        const int64_t at = layer.offset * lanes<T>;
        add_layer<columns, abreast, T>(
            layer, run.store.weights + at, run.store.gradient + at, run.block, l ? trail.outputs[l] : inputs,
            trail.deltas[l], l ? slopes_of(run, l - 1) : nullptr, l ? trail.deltas[l - 1] : nullptr, add);
        if (l) pull_back_softmax<columns, T>(run, l - 1);
    }
}

template <int columns, bool abreast, class T>
void steps_of(const LaneRun<T>& run) {
    const int64_t pieces = abreast ? (run.batch + columns - 1) / columns : 1, all = run.steps * pieces;
    const bool direct = run.optimizer == Optimizer::sgd && !abreast && !run.has_l1;
    gather<columns, abreast, T>(run, 0, 0, 0);
    int64_t step = 0, piece = 0;
    for (int64_t n = 0; n < all; ++n) {
        const bool ends = piece + 1 == pieces;
        if (n + 1 < all)
            gather<columns, abreast, T>(run, ends ? step + 1 : step, ends ? 0 : piece + 1, (n + 1) & 1);
        const Gathered<T> rows = gathered(run, n & 1);
        forward<columns, abreast, T>(run, rows, piece);
        if constexpr (!abreast) {
            if (direct && run.has_l2) learn<columns, true, T>(run, rows.inputs, step);
            else if (direct) learn<columns, false, T>(run, rows.inputs, step);
        }
        if (!direct) {
            add_gradient<columns, abreast, T>(run, rows.inputs, piece > 0);
            if (ends) update_blocks<T>(run, step);
        }
        step += ends;
        piece = ends ? 0 : piece + 1;
    }
}

}  // namespace

template <class T>
void lane_steps(const LaneRun<T>& run) {
    FlushDenormals guard;
    if (run.abreast) return run.columns == 2 ? steps_of<2, true, T>(run) : steps_of<4, true, T>(run);
    switch (run.columns) {
        case 1: return steps_of<1, false, T>(run);
        case 2: return steps_of<2, false, T>(run);
        case 3: return steps_of<3, false, T>(run);
        default: return steps_of<4, false, T>(run);
    }
}

template <class T>
void lane_look(const LaneLook<T>& look) {
    FlushDenormals guard;
    const int64_t count = look.network->size * lanes<T>;
    for (int b = 0; b < look.blocks; ++b) {
        const int64_t from = b * look.block;
        Vec<T> nothing = splat<T>(T(0));
        for (int64_t i = from; i < from + count; i += lanes<T>) nothing += load(look.weights + i) * T(0);
        store(look.finite + b * lanes<T>, nothing);
        if (!look.absolute) continue;
        double *const absolute = look.absolute + b * lanes<T>, *square = look.square + b * lanes<T>;
        std::memset(absolute, 0, lanes<T> * sizeof(double));
        std::memset(square, 0, lanes<T> * sizeof(double));
        for (int64_t l = 0; l < look.network->depth; ++l) {
            const Layer& layer = look.network->layers[l];
            const T* w = look.weights + from + layer.offset * lanes<T>;
            for (int64_t i = 0; i < layer.inputs * layer.units; ++i, w += lanes<T>)
                for (int n = 0; n < lanes<T>; ++n) {
                    const double size = double(w[n] < 0 ? -w[n] : w[n]);
                    absolute[n] += size;
                    square[n] += size * size;
                }
        }
    }
}

template void lane_steps<float>(const LaneRun<float>& run);
template void lane_steps<double>(const LaneRun<double>& run);
template void lane_look<float>(const LaneLook<float>& look);
template void lane_look<double>(const LaneLook<double>& look);

}  // namespace deltarule::DELTARULE_ISA
