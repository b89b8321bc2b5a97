// The mini-batch road: strips of samples through all layers, then the weights, piece by piece.
//
// a) A strip is three vectors of samples. Its activations lie feature-major, [unit][samples], so
//    that all elementwise work is vertical and softmax needs no sum across lanes; each block ends
//    with a row of ones, and the bias is the last input row of a weight panel.
// b) Rows of X are gathered by index and transposed in registers on the way in: no shuffled copy.
// c) All three products use the tile of tile.hpp. Forward and data gradient read the same panel in
//    two directions; the first layer has no data gradient. Deltas are also written row-major, which
//    makes the weight gradient's right factor contiguous.
// d) Samples beyond the batch have delta zero and are left out of the sums over samples.
// e) Strips are independent, and so are rectangles of weights; every element is one sum in ascending
//    order. So any number of threads gives the same bits, with two barriers a step.

#include <cstring>

#include "deltarule/backprop.hpp"
#include "deltarule/kernels.hpp"
#include "deltarule/optimizers.hpp"
#include "deltarule/products.hpp"
#include "deltarule/sparse.hpp"
#include "kernels_isa.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

/// `count` row-major rows of `width` numbers, at most one vector of them, to [feature][strip].
/// Absent rows become zero.
template <class T>
void transpose_in(const T* const* rows, int64_t count, int64_t width, T* to) {
    constexpr int n = lanes<T>;
    for (int64_t done = 0; done + n <= width || (done < width && width >= n);) {
        const int64_t f = done + n <= width ? done : width - n;  // the last square may overlap
        Vec<T> square[n];
        for (int i = 0; i < n; ++i) square[i] = i < count ? load(rows[i] + f) : splat<T>(T(0));
        transpose<T>(square);
        for (int i = 0; i < n; ++i) store(to + (f + i) * strip<T>, square[i]);
        done = f + n;
    }
    if (width >= n) return;
    for (int64_t f = 0; f < width; ++f)
        for (int i = 0; i < n; ++i) to[f * strip<T> + i] = i < count ? rows[i][f] : T(0);
}

/// One strip of a batch: what every function below works on.
template <class T>
struct Strip {
    Batch<T>& batch;
    int64_t number;
    int64_t count;    ///< samples, at most strip<T>
    int64_t vectors;  ///< of samples
    int64_t rows[strip<T>];
    T* scratch;

    Strip(Batch<T>& of, int worker, int64_t which) : batch(of), number(which) {
        const int64_t begin = which * strip<T>;
        count = of.count - begin < strip<T> ? of.count - begin : strip<T>;
        vectors = (count + lanes<T> - 1) / lanes<T>;
        for (int64_t i = 0; i < count; ++i) rows[i] = of.order ? of.order[begin + i] : of.first + begin + i;
        scratch = of.scratch + worker * of.scratch_size;
    }

    const Layer& layer(int64_t l) const { return batch.network->layers[l]; }
    int64_t depth() const { return batch.network->depth; }
    int64_t width(int64_t l) const { return l ? layer(l - 1).units : layer(0).inputs; }
    /// a^l of this strip, [width + 1][strip].
    T* output(int64_t l) const { return batch.outputs[l] + number * (width(l) + 1) * strip<T>; }
    /// σ'(z^{l+1}) in this worker's scratch; past the last layer the two deltas and the target.
    T* slope(int64_t l) const {
        T* at = scratch;
        for (int64_t i = 0; i < l; ++i) at += layer(i).units * strip<T>;
        return at;
    }
};

/// Row-major rows of `from`, chosen by the strip, to [feature][strip].
template <class T>
void gather_dense(const Strip<T>& s, const T* from, int64_t width, T* to) {
    const T* rows[lanes<T>] = {};
    for (int64_t v = 0; v < s.vectors; ++v) {
        const int64_t begin = v * lanes<T>;
        const int64_t here = s.count - begin < lanes<T> ? s.count - begin : lanes<T>;
        for (int64_t i = 0; i < here; ++i) rows[i] = from + s.rows[begin + i] * width;
        transpose_in<T>(rows, here, width, to + begin);
    }
}

template <class T>
void set_ones(T* row) {
    for (int i = 0; i < strip<T>; i += lanes<T>) store(row + i, splat<T>(T(1)));
}

/// Equation (1).
template <class T>
void gather(const Strip<T>& s) {
    gather_dense(s, s.batch.samples->dense, s.width(0), s.output(0));
    set_ones(s.output(0) + s.width(0) * strip<T>);
}

/// Equations (1) and (2) of the first layer for rows of CSR.
template <class T>
void forward_sparse(const Strip<T>& s) {
    const Layer& layer = s.layer(0);
    for (int64_t p = 0; p < layer.panels; ++p)
        for (int64_t v = 0; v < s.vectors; ++v) {
            const T* const panel = s.batch.store.weights + layer.offset + p * layer.rows * lanes<T>;
            Vec<T> square[lanes<T>];
            for (int i = 0; i < lanes<T>; ++i) {
                const int64_t sample = v * lanes<T> + i;
                square[i] = sample < s.count ? look_sparse(*s.batch.samples, s.rows[sample], layer, panel)
                                             : splat<T>(T(0));
            }
            transpose<T>(square);
            for (int i = 0; i < lanes<T> && p * lanes<T> + i < layer.units; ++i)
                store(s.output(1) + (p * lanes<T> + i) * strip<T> + v * lanes<T>, square[i]);
        }
}

/// Equation (2).
template <class T>
void forward_layer(const Strip<T>& s, int64_t l) {
    const Layer& layer = s.layer(l);
    forward_product<T>(layer, s.batch.store.weights + layer.offset, s.output(l), s.output(l + 1), s.vectors);
}

/// Equation (3) for a hidden layer.
template <class T>
void activate_layer(const Strip<T>& s, int64_t l) {
    const Layer& layer = s.layer(l);
    for (int64_t v = 0; v < s.vectors; ++v)
        activate_hidden<T>(layer, Units<T, false>{layer.units, strip<T>}, s.output(l + 1) + v * lanes<T>,
                           s.slope(l) + v * lanes<T>);
    set_ones(s.output(l + 1) + layer.units * strip<T>);
}

/// Equations (4) and (5), sample weights and the factor of equation (9); returns Σ w f.
template <class T>
double judge_strip(const Strip<T>& s, const T* target, T* delta) {
    const int64_t last = s.depth() - 1, units = s.layer(last).units;
    T weight[strip<T>] = {}, f[lanes<T>];
    for (int64_t i = 0; i < s.count; ++i)
        weight[i] = s.batch.samples->weight ? s.batch.samples->weight[s.rows[i]] : T(1);
    double total = 0;
    for (int64_t v = 0; v < s.vectors; ++v) {
        const int64_t begin = v * lanes<T>;
        store(f, judge<T>(*s.batch.network, Units<T, false>{units, strip<T>}, s.output(last + 1) + begin,
                          s.slope(last) + begin, target + begin, delta + begin));
        const Vec<T> factor = load(weight + begin) * s.batch.factor;
        const Mask<T> inside = first_lanes<T>(s.count - begin);
        for (int64_t k = 0; k < units; ++k) {
            T* at = delta + k * strip<T> + begin;
            store(at, inside ? load(at) * factor : splat<T>(T(0)));
        }
        for (int64_t i = begin; i < s.count && i < begin + lanes<T>; ++i)
            total += double(weight[i]) * double(f[i - begin]);
    }
    return total;
}

/// δ^{l+1} from [unit][strip] to [panel][sample][lanes] of the batch.
template <class T>
void write_delta_rows(const Strip<T>& s, int64_t l, const T* delta) {
    const Layer& layer = s.layer(l);
    for (int64_t p = 0; p < layer.panels; ++p) {
        T* const to = s.batch.delta_rows[l] + (p * s.batch.places + s.number * strip<T>)*lanes<T>;
        for (int64_t v = 0; v < s.vectors; ++v) {
            Vec<T> square[lanes<T>];
            for (int i = 0; i < lanes<T>; ++i) {
                const int64_t unit = p * lanes<T> + i;
                square[i] =
                    unit < layer.units ? load(delta + unit * strip<T> + v * lanes<T>) : splat<T>(T(0));
            }
            transpose<T>(square);
            for (int i = 0; i < lanes<T>; ++i) store(to + (v * lanes<T> + i) * lanes<T>, square[i]);
        }
    }
}

/// Equations (5) and (6) from deep to shallow; `delta` holds δ^L.
template <class T>
void backward(const Strip<T>& s, T* delta, T* other) {
    for (int64_t l = s.depth() - 1;; --l) {
        write_delta_rows(s, l, delta);
        if (l == 0) return;
        data_product<T>(s.layer(l), s.batch.store.weights + s.layer(l).offset, delta, other, s.vectors);
        const Layer& below = s.layer(l - 1);
        for (int64_t v = 0; v < s.vectors; ++v)
            hidden_delta<T>(below, Units<T, false>{below.units, strip<T>}, s.output(l) + v * lanes<T>,
                            s.slope(l - 1) + v * lanes<T>, other + v * lanes<T>);
        T* swap = delta;
        delta = other;
        other = swap;
    }
}

/// d̂ back to row-major rows; without a target the output layer is activated here.
template <class T>
void write_predictions(const Strip<T>& s) {
    const int64_t units = s.width(s.depth());
    const T* from = s.output(s.depth());
    T* to = s.batch.predictions + s.number * strip<T> * units;
    for (int64_t i = 0; i < s.count; ++i)
        for (int64_t k = 0; k < units; ++k) to[i * units + k] = from[k * strip<T> + i];
}

template <class T>
void activate_output(const Strip<T>& s) {
    const int64_t last = s.depth() - 1;
    const Layer& layer = s.layer(last);
    const Units<T, false> at{layer.units, strip<T>};
    for (int64_t v = 0; v < s.vectors * lanes<T>; v += lanes<T>)
        if (layer.activation == Activation::softmax) softmax<T>(at, s.output(last + 1) + v);
        else
            activate<T>(layer.activation, s.output(last + 1) + v, s.slope(last) + v, at.units, at.step,
                        T(layer.parameter), true);
}

template <class T>
void gradient_dense(const Batch<T>& batch, const Task& task) {
    const Layer& layer = batch.network->layers[task.layer];
    const int64_t strips = (batch.count + strip<T> - 1) / strip<T>, panel = batch.places * lanes<T>;
    const int64_t step = layer.rows * lanes<T>;
    const Rectangle<T> to{batch.store.gradient + layer.offset + task.panel * step + task.row * lanes<T>,
                          task.rows, task.panels, step};
    weight_product<T>(batch.outputs[task.layer] + task.row * strip<T>, (layer.inputs + 1) * strip<T>,
                      batch.delta_rows[task.layer] + task.panel * panel, panel,
                      {strips, strip<T>, batch.count - (strips - 1) * strip<T>}, to, batch.add);
}

/// The same for the first layer and rows of CSR; a task then has all rows of its panels.
template <class T>
void gradient_sparse(const Batch<T>& batch, const Task& task) {
    const Layer& layer = batch.network->layers[0];
    for (int64_t p = task.panel; p < task.panel + task.panels; ++p) {
        T* const panel = batch.store.gradient + layer.offset + p * layer.rows * lanes<T>;
        if (!batch.add) std::memset(panel, 0, size_t(layer.rows * lanes<T>) * sizeof(T));
        Vec<T> bias = splat<T>(T(0));
        for (int64_t k = 0; k < batch.count; ++k) {
            const int64_t row = batch.order ? batch.order[k] : batch.first + k;
            const Vec<T> delta = load(batch.delta_rows[0] + (p * batch.places + k) * lanes<T>);
            add_sparse(*batch.samples, row, delta, panel);
            bias += delta;
        }
        T* const bias_row = panel + layer.inputs * lanes<T>;
        if (layer.bias) store(bias_row, load(bias_row) + bias);
    }
}

/// Updates the rectangle of a task, penalised rows and the bias row apart.
template <class T>
void update_task(const Batch<T>& batch, const Layer& layer, const Task& task) {
    const Update<T>& u = batch.update;
    const bool has_bias = layer.bias && task.row + task.rows == layer.rows;
    const int64_t weights = (task.rows - has_bias) * lanes<T>;
    with_optimizer(u.kind, [&]<Optimizer kind>() {
        with_penalty(u, [&]<Penalty penalty>() {
            for (int64_t p = task.panel; p < task.panel + task.panels; ++p) {
                const int64_t at = layer.offset + (p * layer.rows + task.row) * lanes<T>;
                update_range<kind, penalty, T>(u, batch.store, at, weights);
                if (has_bias) update_range<kind, Penalty::none, T>(u, batch.store, at + weights, lanes<T>);
            }
        });
    });
}

}  // namespace

template <class T>
void strip_pass(void* context, int worker, int64_t which) {
    FlushDenormals guard;
    Batch<T>& batch = *static_cast<Batch<T>*>(context);
    const Strip<T> s(batch, worker, which);
    const bool dense = batch.samples->dense;
    if (dense) gather(s);
    else forward_sparse(s);
    for (int64_t l = 0; l < s.depth(); ++l) {
        if (dense || l > 0) forward_layer(s, l);
        if (l + 1 < s.depth()) activate_layer(s, l);
    }
    if (!batch.losses) {
        activate_output(s);
        return write_predictions(s);
    }
    // Behind the slopes: two deltas as wide as the widest layer, the second also holds the target.
    T* delta = s.slope(s.depth());
    T* other = delta + (batch.scratch_size - (delta - s.scratch)) / 2;
    gather_dense(s, batch.samples->target, s.width(s.depth()), other);
    batch.losses[which] = judge_strip(s, other, delta);
    if (batch.backward) backward(s, delta, other);
}

/// Equation (7): G[i][unit] = Σ_sample a[i][sample] δ[sample][unit], then the update.
template <class T>
void weight_pass(void* context, int, int64_t which) {
    FlushDenormals guard;
    Batch<T>& batch = *static_cast<Batch<T>*>(context);
    const Task& task = batch.tasks[which];
    if (task.layer == 0 && !batch.samples->dense) gradient_sparse(batch, task);
    else gradient_dense(batch, task);
    if (batch.apply) update_task(batch, batch.network->layers[task.layer], task);
}

template void strip_pass<float>(void*, int, int64_t);
template void strip_pass<double>(void*, int, int64_t);
template void weight_pass<float>(void*, int, int64_t);
template void weight_pass<double>(void*, int, int64_t);

}  // namespace deltarule::DELTARULE_ISA
