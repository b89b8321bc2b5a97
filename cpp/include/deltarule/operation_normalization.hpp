#pragma once
#include "deltarule/strip.hpp"

/// Equation (10), in place behind an affine operation: x̂ = (z - mean) / √(variance + ε), then gain and
/// shift. x̂ is kept for the way back.
///
/// Of a batch: a strip writes its own mean and sum of squares of every unit (`moments`), all strips add
/// them up in their order, each for itself (`normalize`). On the way back a strip writes Σ δ and Σ δ x̂ of
/// every unit, and all add these up. Of rows: nothing of other rows is needed but for the gradients of
/// gain and shift, which are the same sums.
namespace deltarule::DELTARULE_ISA {

/// Numbers of a strip: of each unit its mean and Σ (z - mean)², then Σ δ x̂ and Σ δ.
template <class T>
T* sums_of(const Batch<T>& batch, int64_t number, const Operation& self) {
    return batch.sums + number * batch.sums_size + self.sums;
}

/// Gain, shift, running mean and variance: this one of unit 0.
template <class T>
T* extra_of(T* store, const Layer& layer, int part) {
    return store + layer.extra + part * layer.panels * lanes<T>;
}

/// Rows that count among those of vector `v` of a strip.
template <class T>
Mask<T> present(const Strip<T>& s, int64_t v) {
    return first_lanes<T>(s.count - v * lanes<T>);
}

template <class T>
void moments_forward(const Strip<T>& s, const Operation& self) {
    if (!s.batch.measure) return;
    const int64_t units = s.layer(self).units;
    const T* const z = s.values(self.output);
    T* const sums = sums_of(s.batch, s.number, self);
    const Vec<T> zero = splat<T>(T(0));
    for (int64_t unit = 0; unit < units; ++unit) {
        const T* const at = z + unit * strip<T>;
        Vec<T> total = zero, squares = zero;
        for (int64_t v = 0; v < s.vectors; ++v)
            total += present(s, v) ? load(at + v * lanes<T>) : zero;
        const T mean = sum_across<T>(total)[0] / T(s.count);
        for (int64_t v = 0; v < s.vectors; ++v) {
            const Vec<T> apart = present(s, v) ? load(at + v * lanes<T>) - mean : zero;
            squares = multiply_add<T>(apart, apart, squares);
        }
        sums[unit] = mean;
        sums[units + unit] = sum_across<T>(squares)[0];
    }
}

struct Moments {
    double mean, variance;  ///< the biased one
};

/// Those of a unit over the whole batch, strip after strip.
template <class T>
Moments moments_of(const Batch<T>& batch, const Operation& self, int64_t units, int64_t unit) {
    double mean = 0, squares = 0, rows = 0;
    for (int64_t begin = 0, number = 0; begin < batch.count; begin += batch.strip_rows, ++number) {
        const T* const sums = sums_of(batch, number, self);
        const int64_t left = batch.count - begin;
        const double more = double(left < batch.strip_rows ? left : batch.strip_rows);
        const double apart = double(sums[unit]) - mean, all = rows + more;
        squares += double(sums[units + unit]) + apart * apart * (rows * more / all);
        mean += apart * (more / all);
        rows = all;
    }
    return {mean, squares / rows};
}

/// Σ δ x̂ and Σ δ of a unit over the whole batch.
struct DeltaSums {
    double along, plain;
};

template <class T>
DeltaSums delta_sums_of(const Batch<T>& batch, const Operation& self, int64_t units, int64_t unit) {
    double along = 0, plain = 0;
    for (int64_t begin = 0, number = 0; begin < batch.count; begin += batch.strip_rows, ++number) {
        const T* const sums = sums_of(batch, number, self);
        along += double(sums[2 * units + unit]);
        plain += double(sums[3 * units + unit]);
    }
    return {along, plain};
}

/// 1 / √(variance + ε), in the type of the numbers.
template <class T>
T inverse_deviation(T variance, const Layer& layer) {
    return T(1) / square_root<T>(splat<T>(variance + T(layer.epsilon)))[0];
}

template <class T>
void normalize_forward(const Strip<T>& s, const Operation& self) {
    const Batch<T>& batch = s.batch;
    const Layer& layer = s.layer(self);
    T *const z = s.values(self.output), *const kept = s.kept(self.kept);
    const T *const gain = extra_of(batch.store.weights, layer, 0),
                   *const shift = extra_of(batch.store.weights, layer, 1);
    for (int64_t unit = 0; unit < layer.units; ++unit) {
        T mean = extra_of(batch.store.weights, layer, 2)[unit];
        T variance = extra_of(batch.store.weights, layer, 3)[unit];
        if (batch.measure) {
            const Moments found = moments_of(batch, self, layer.units, unit);
            mean = T(found.mean);
            variance = T(found.variance);
        }
        const T inverse = inverse_deviation(variance, layer);
        for (int64_t at = unit * strip<T>, v = 0; v < s.vectors; ++v, at += lanes<T>) {
            const Vec<T> x = (load(z + at) - mean) * inverse;
            store(kept + at, x);
            store(z + at, multiply_add<T>(x, splat<T>(gain[unit]), splat<T>(shift[unit])));
        }
    }
}

/// Writes Σ δ x̂ and Σ δ; δ of rows beyond the batch is zero.
template <class T>
void sum_deltas(const Strip<T>& s, const Operation& self) {
    const int64_t units = s.layer(self).units;
    const T *const delta = s.delta(self.output), *const kept = s.kept(self.kept);
    T* const sums = sums_of(s.batch, s.number, self);
    for (int64_t unit = 0; unit < units; ++unit) {
        Vec<T> along = splat<T>(T(0)), plain = along;
        for (int64_t at = unit * strip<T>, v = 0; v < s.vectors; ++v, at += lanes<T>) {
            along = multiply_add<T>(load(delta + at), load(kept + at), along);
            plain += load(delta + at);
        }
        sums[2 * units + unit] = sum_across<T>(along)[0];
        sums[3 * units + unit] = sum_across<T>(plain)[0];
    }
}

template <class T>
void normalize_backward(const Strip<T>& s, const Operation& self) {
    sum_deltas(s, self);
    if (s.batch.measure) return;  // what is left is the matter of `moments`
    const Layer& layer = s.layer(self);
    T* const delta = s.delta(self.output);
    for (int64_t unit = 0; unit < layer.units; ++unit) {
        const T variance = extra_of(s.batch.store.weights, layer, 3)[unit];
        const T factor = extra_of(s.batch.store.weights, layer, 0)[unit] * inverse_deviation(variance, layer);
        for (int64_t at = unit * strip<T>, v = 0; v < s.vectors; ++v, at += lanes<T>)
            store(delta + at, load(delta + at) * factor);
    }
}

template <class T>
void moments_backward(const Strip<T>& s, const Operation& self) {
    const Batch<T>& batch = s.batch;
    if (!batch.measure) return;
    const Layer& layer = s.layer(self);
    T* const delta = s.delta(self.output);
    const T* const kept = s.kept(self.kept);
    for (int64_t unit = 0; unit < layer.units; ++unit) {
        const T variance = T(moments_of(batch, self, layer.units, unit).variance);
        const DeltaSums sums = delta_sums_of(batch, self, layer.units, unit);
        const T along = T(sums.along / double(batch.count)), plain = T(sums.plain / double(batch.count));
        const T factor = extra_of(batch.store.weights, layer, 0)[unit] * inverse_deviation(variance, layer);
        for (int64_t at = unit * strip<T>, v = 0; v < s.vectors; ++v, at += lanes<T>) {
            const Vec<T> rest =
                subtract_product<T>(load(kept + at), splat<T>(along), load(delta + at) - plain);
            store(delta + at, present(s, v) ? rest * factor : splat<T>(T(0)));
        }
    }
}

template <class T>
void normalize_rows_forward(const Strip<T>& s, const Operation& self) {
    const Layer& layer = s.layer(self);
    T *const z = s.values(self.output), *const kept = s.kept(self.kept);
    T* const inverses = kept + layer.units * strip<T>;
    const T *const gain = extra_of(s.batch.store.weights, layer, 0),
                   *const shift = extra_of(s.batch.store.weights, layer, 1);
    for (int64_t v = 0; v < s.vectors; ++v) {
        const int64_t begin = v * lanes<T>, end = begin + layer.units * strip<T>;
        Vec<T> mean = splat<T>(T(0)), squares = mean;
        for (int64_t at = begin; at < end; at += strip<T>) mean += load(z + at);
        mean /= T(layer.units);
        for (int64_t at = begin; at < end; at += strip<T>) {
            const Vec<T> apart = load(z + at) - mean;
            squares = multiply_add<T>(apart, apart, squares);
        }
        const Vec<T> inverse = T(1) / square_root<T>(squares / T(layer.units) + T(layer.epsilon));
        store(inverses + begin, inverse);
        for (int64_t at = begin, unit = 0; at < end; at += strip<T>, ++unit) {
            const Vec<T> x = (load(z + at) - mean) * inverse;
            store(kept + at, x);
            store(z + at, multiply_add<T>(x, splat<T>(gain[unit]), splat<T>(shift[unit])));
        }
    }
}

template <class T>
void normalize_rows_backward(const Strip<T>& s, const Operation& self) {
    sum_deltas(s, self);
    const Layer& layer = s.layer(self);
    T* const delta = s.delta(self.output);
    const T* const kept = s.kept(self.kept);
    const T* const gain = extra_of(s.batch.store.weights, layer, 0);
    for (int64_t v = 0; v < s.vectors; ++v) {
        const int64_t begin = v * lanes<T>, end = begin + layer.units * strip<T>;
        Vec<T> mean = splat<T>(T(0)), along = mean;
        for (int64_t at = begin, unit = 0; at < end; at += strip<T>, ++unit) {
            const Vec<T> upstream = load(delta + at) * gain[unit];
            mean += upstream;
            along = multiply_add<T>(upstream, load(kept + at), along);
        }
        mean /= T(layer.units);
        along /= T(layer.units);
        const Vec<T> inverse = load(kept + layer.units * strip<T> + begin);
        for (int64_t at = begin, unit = 0; at < end; at += strip<T>, ++unit) {
            const Vec<T> rest = load(delta + at) * gain[unit] - mean;
            store(delta + at, subtract_product<T>(load(kept + at), along, rest) * inverse);
        }
    }
}

/// Gradients of gain and shift, one panel's width each.
template <class T>
void normalization_gradient(const Batch<T>& batch, const Task& task, const Rectangle<T>& to) {
    const Operation& self = batch.operations[task.operation];
    const Layer& layer = batch.network->layers[self.layer];
    T *const gain = to.at, *const shift = to.at + to.panel_step;
    for (int64_t unit = 0; unit < layer.units; ++unit) {
        const DeltaSums sums = delta_sums_of(batch, self, layer.units, unit);
        gain[unit] = T(sums.along) + (batch.add ? gain[unit] : T(0));
        shift[unit] = T(sums.plain) + (batch.add ? shift[unit] : T(0));
    }
}

/// The running statistics take their share of a batch's: the unbiased variance.
template <class T>
void follow_moments(const Batch<T>& batch, const Operation& self) {
    const Layer& layer = batch.network->layers[self.layer];
    const double rows = double(batch.count), first = 1.0 / (double(batch.clock) + 1.0);
    const T share = T(layer.momentum > first ? layer.momentum : first);
    T *const mean = extra_of(batch.store.weights, layer, 2), *const variance = mean + layer.panels * lanes<T>;
    for (int64_t unit = 0; unit < layer.units; ++unit) {
        const Moments found = moments_of(batch, self, layer.units, unit);
        mean[unit] += share * (T(found.mean) - mean[unit]);
        variance[unit] += share * (T(found.variance * (rows / (rows - 1))) - variance[unit]);
    }
}

template <class T>
constexpr OperationFunctions<T> moments_functions = {&moments_forward<T>, &moments_backward<T>, nullptr};
template <class T>
constexpr OperationFunctions<T> normalize_functions = {&normalize_forward<T>, &normalize_backward<T>,
                                                       &normalization_gradient<T>};
template <class T>
constexpr OperationFunctions<T> normalize_rows_functions = {
    &normalize_rows_forward<T>, &normalize_rows_backward<T>, &normalization_gradient<T>};

}  // namespace deltarule::DELTARULE_ISA
