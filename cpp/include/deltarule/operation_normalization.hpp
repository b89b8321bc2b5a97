#pragma once
#include "deltarule/strip.hpp"

/// Equation (10), in place behind an affine operation: x̂ = (z - mean) / √(variance + ε), then gain and
/// shift. x̂ is kept for the way back.
///
/// Of a batch: a strip writes its own mean and sum of squares of every unit (`moments`); between the
/// stages they are combined once, strip after strip, for all to use (`normalize`). On the way back it is
/// Σ δ x̂ and Σ δ that strips write and that are combined. Of rows: nothing of other rows is needed but
/// for the gradients of gain and shift, which are the same sums.
///
/// Sums over rows are taken for as many units at a time as a vector has lanes; a part of what is
/// written for the units has the width of the layer's panels.
namespace deltarule::DELTARULE_ISA {

template <class T>
int64_t width_of(const Layer& layer) {
    return layer.panels * lanes<T>;
}

/// Of a strip: of each unit its mean and Σ (z - mean)², then Σ δ x̂ and Σ δ.
template <class T>
T* sums_of(const Batch<T>& batch, int64_t number, const Operation& self) {
    return batch.sums + number * batch.sums_size + self.sums * lanes<T>;
}

/// Of all strips: of each unit mean and 1 / √(variance + ε), then the means of δ x̂ and of δ.
template <class T>
T* combined_of(const Batch<T>& batch, const Operation& self) {
    return batch.combined + self.sums * lanes<T>;
}

/// Gain, shift, running mean and variance: this one of unit 0.
template <class T>
T* extra_of(T* store, const Layer& layer, int part) {
    return store + layer.extra + part * width_of<T>(layer);
}

/// Rows that count among those of vector `v` of a strip.
template <class T>
Mask<T> present(const Strip<T>& s, int64_t v) {
    return first_lanes<T>(s.count - v * lanes<T>);
}

/// Calls `act.template operator()<n>()` for a strip of n vectors.
template <class T, class Action>
DELTARULE_INLINE void with_vectors(const Strip<T>& s, Action act) {
    static_assert(tile_vectors == 3);
    if (s.vectors == 3) return act.template operator()<3>();
    if (s.vectors == 2) return act.template operator()<2>();
    act.template operator()<1>();
}

/// Lane i is the sum over the lanes of `term(first + i)`, zero for units that are not there.
template <class T, class Term>
DELTARULE_INLINE Vec<T> unit_sums(int64_t first, int64_t units, Term term) {
    Vec<T> terms[lanes<T>];
    for (int i = 0; i < lanes<T>; ++i) terms[i] = first + i < units ? term(first + i) : splat<T>(T(0));
    return sums<T>(terms);
}

template <class T>
DELTARULE_INLINE Vec<T> inverse_deviation(Vec<T> variance, const Layer& layer) {
    return T(1) / square_root<T>(variance + T(layer.epsilon));
}

template <class T>
void moments_forward(const Strip<T>& s, const Operation& self) {
    if (!s.batch.measure) return;
    const Layer& layer = s.layer(self);
    const T* const z = s.values(self.output);
    T *const means = sums_of(s.batch, s.number, self), *const squares = means + width_of<T>(layer);
    const Vec<T> zero = splat<T>(T(0));
    with_vectors(s, [&]<int vectors>() {
        for (int64_t first = 0; first < layer.units; first += lanes<T>) {
            const auto each = [&](auto term) {
                return unit_sums<T>(first, layer.units, [&](int64_t unit) {
                    Vec<T> total = zero;
                    for (int v = 0; v < vectors; ++v)
                        total += present(s, v) ? term(load(z + unit * strip<T> + v * lanes<T>), unit) : zero;
                    return total;
                });
            };
            store(means + first, each([](Vec<T> here, int64_t) { return here; }) / T(s.count));
            store(squares + first, each([&](Vec<T> here, int64_t unit) {
                      const Vec<T> apart = here - means[unit];
                      return apart * apart;
                  }));
        }
    });
}

/// Units whose numbers are combined at a time.
constexpr int64_t unit_block = 16;

/// Calls `act(unit, mean, variance)`, the biased one, for the units of a batch.
template <class T, class Action>
void each_moment(const Batch<T>& batch, const Operation& self, Action act) {
    const Layer& layer = batch.network->layers[self.layer];
    for (int64_t first = 0; first < layer.units; first += unit_block) {
        const int64_t rest = layer.units - first, count = rest < unit_block ? rest : unit_block;
        double mean[unit_block] = {}, squares[unit_block] = {}, rows = 0;
        for (int64_t begin = 0, number = 0; begin < batch.count; begin += batch.strip_rows, ++number) {
            const T *const means = sums_of(batch, number, self) + first, *const own =
                                                                             means + width_of<T>(layer);
            const int64_t left = batch.count - begin;
            const double more = double(left < batch.strip_rows ? left : batch.strip_rows);
            const double share = more / (rows + more), between = rows * share;
            for (int64_t i = 0; i < count; ++i) {
                const double apart = double(means[i]) - mean[i];
                squares[i] += double(own[i]) + apart * apart * between;
                mean[i] += apart * share;
            }
            rows += more;
        }
        for (int64_t i = 0; i < count; ++i) act(first + i, mean[i], squares[i] / rows);
    }
}

/// Calls `act(unit, Σ δ x̂, Σ δ)` for the units of a batch.
template <class T, class Action>
void each_delta_sum(const Batch<T>& batch, const Operation& self, Action act) {
    const Layer& layer = batch.network->layers[self.layer];
    for (int64_t first = 0; first < layer.units; first += unit_block) {
        const int64_t rest = layer.units - first, count = rest < unit_block ? rest : unit_block;
        double along[unit_block] = {}, plain[unit_block] = {};
        for (int64_t begin = 0, number = 0; begin < batch.count; begin += batch.strip_rows, ++number) {
            const T* const from = sums_of(batch, number, self) + 2 * width_of<T>(layer) + first;
            for (int64_t i = 0; i < count; ++i) {
                along[i] += double(from[i]);
                plain[i] += double(from[width_of<T>(layer) + i]);
            }
        }
        for (int64_t i = 0; i < count; ++i) act(first + i, along[i], plain[i]);
    }
}

/// Between the stages, on the way there.
template <class T>
void combine_moments(const Batch<T>& batch, const Operation& self) {
    const Layer& layer = batch.network->layers[self.layer];
    T *const means = combined_of(batch, self), *const inverses = means + width_of<T>(layer);
    each_moment(batch, self, [&](int64_t unit, double mean, double variance) {
        means[unit] = T(mean);
        inverses[unit] = T(variance);
    });
    for (int64_t at = 0; at < layer.units; at += lanes<T>)
        store(inverses + at, inverse_deviation<T>(load(inverses + at), layer));
}

/// Between the stages, on the way back.
template <class T>
void combine_deltas(const Batch<T>& batch, const Operation& self) {
    const Layer& layer = batch.network->layers[self.layer];
    T* const to = combined_of(batch, self) + 2 * width_of<T>(layer);
    each_delta_sum(batch, self, [&](int64_t unit, double along, double plain) {
        to[unit] = T(along / double(batch.count));
        to[width_of<T>(layer) + unit] = T(plain / double(batch.count));
    });
}

template <class T>
void normalize_forward(const Strip<T>& s, const Operation& self) {
    const Layer& layer = s.layer(self);
    T* const weights = s.batch.store.weights;
    T *const z = s.values(self.output), *const kept = s.kept(self.kept);
    const T *const gain = extra_of(weights, layer, 0), *const shift = extra_of(weights, layer, 1);
    const T* const combined = combined_of(s.batch, self);
    const T* const mean = s.batch.measure ? combined : extra_of(weights, layer, 2);
    with_vectors(s, [&]<int vectors>() {
        for (int64_t first = 0; first < layer.units; first += lanes<T>) {
            T inverse[lanes<T>];
            store(inverse, s.batch.measure
                               ? load(combined + width_of<T>(layer) + first)
                               : inverse_deviation<T>(load(extra_of(weights, layer, 3) + first), layer));
            for (int64_t unit = first; unit < first + lanes<T> && unit < layer.units; ++unit) {
                const Vec<T> factor = splat<T>(inverse[unit - first]);
                for (int v = 0; v < vectors; ++v) {
                    const int64_t at = unit * strip<T> + v * lanes<T>;
                    const Vec<T> x = (load(z + at) - mean[unit]) * factor;
                    store(kept + at, x);
                    store(z + at, multiply_add<T>(x, gain[unit], splat<T>(shift[unit])));
                }
            }
        }
    });
}

/// Writes Σ δ x̂ and Σ δ; δ of rows beyond the batch is zero.
template <class T>
void sum_deltas(const Strip<T>& s, const Operation& self) {
    const Layer& layer = s.layer(self);
    const T *const delta = s.delta(self.output), *const kept = s.kept(self.kept);
    T* const to = sums_of(s.batch, s.number, self) + 2 * width_of<T>(layer);
    with_vectors(s, [&]<int vectors>() {
        const auto sum = [&](int64_t unit, auto term) {
            Vec<T> total = splat<T>(T(0));
            for (int v = 0; v < vectors; ++v) total = term(unit * strip<T> + v * lanes<T>, total);
            return total;
        };
        for (int64_t first = 0; first < layer.units; first += lanes<T>) {
            store(to + first, unit_sums<T>(first, layer.units, [&](int64_t unit) {
                      return sum(unit, [&](int64_t at, Vec<T> total) {
                          return multiply_add<T>(load(delta + at), load(kept + at), total);
                      });
                  }));
            store(to + width_of<T>(layer) + first, unit_sums<T>(first, layer.units, [&](int64_t unit) {
                      return sum(unit, [&](int64_t at, Vec<T> total) { return total + load(delta + at); });
                  }));
        }
    });
}

template <class T>
void normalize_backward(const Strip<T>& s, const Operation& self) {
    sum_deltas(s, self);
    if (s.batch.measure) return;  // what is left is the matter of `moments`
    const Layer& layer = s.layer(self);
    const T *const gain = extra_of(s.batch.store.weights, layer, 0), *const variance = extra_of(
                                                                         s.batch.store.weights, layer, 3);
    T* const delta = s.delta(self.output);
    for (int64_t unit = 0; unit < layer.units; ++unit) {
        const Vec<T> factor = inverse_deviation<T>(splat<T>(variance[unit]), layer) * gain[unit];
        for (int64_t at = unit * strip<T>, v = 0; v < s.vectors; ++v, at += lanes<T>)
            store(delta + at, load(delta + at) * factor);
    }
}

template <class T>
void moments_backward(const Strip<T>& s, const Operation& self) {
    if (!s.batch.measure) return;
    const Layer& layer = s.layer(self);
    T* const delta = s.delta(self.output);
    const T *const kept = s.kept(self.kept), *const gain = extra_of(s.batch.store.weights, layer, 0);
    const T *const inverse = combined_of(s.batch, self) + width_of<T>(layer),
                   *const along = inverse + width_of<T>(layer), *const plain = along + width_of<T>(layer);
    with_vectors(s, [&]<int vectors>() {
        for (int64_t unit = 0; unit < layer.units; ++unit) {
            const T factor = gain[unit] * inverse[unit];
            for (int v = 0; v < vectors; ++v) {
                const int64_t at = unit * strip<T> + v * lanes<T>;
                const Vec<T> rest =
                    subtract_product<T>(load(kept + at), along[unit], load(delta + at) - plain[unit]);
                store(delta + at, present(s, v) ? rest * factor : splat<T>(T(0)));
            }
        }
    });
}

template <class T>
void normalize_rows_forward(const Strip<T>& s, const Operation& self) {
    const Layer& layer = s.layer(self);
    T *const z = s.values(self.output), *const kept = s.kept(self.kept);
    T* const inverses = kept + layer.units * strip<T>;
    const T *const gain = extra_of(s.batch.store.weights, layer, 0), *const shift = extra_of(
                                                                         s.batch.store.weights, layer, 1);
    with_vectors(s, [&]<int vectors>() {
        Vec<T> mean[vectors] = {}, squares[vectors] = {}, inverse[vectors];
        const int64_t end = layer.units * strip<T>;
        for (int64_t at = 0; at < end; at += strip<T>)
            for (int v = 0; v < vectors; ++v) mean[v] += load(z + at + v * lanes<T>);
        for (int v = 0; v < vectors; ++v) mean[v] /= T(layer.units);
        for (int64_t at = 0; at < end; at += strip<T>)
            for (int v = 0; v < vectors; ++v) {
                const Vec<T> apart = load(z + at + v * lanes<T>) - mean[v];
                squares[v] = multiply_add<T>(apart, apart, squares[v]);
            }
        for (int v = 0; v < vectors; ++v) {
            inverse[v] = inverse_deviation<T>(squares[v] / T(layer.units), layer);
            store(inverses + v * lanes<T>, inverse[v]);
        }
        for (int64_t unit = 0; unit < layer.units; ++unit)
            for (int v = 0; v < vectors; ++v) {
                const int64_t at = unit * strip<T> + v * lanes<T>;
                const Vec<T> x = (load(z + at) - mean[v]) * inverse[v];
                store(kept + at, x);
                store(z + at, multiply_add<T>(x, gain[unit], splat<T>(shift[unit])));
            }
    });
}

template <class T>
void normalize_rows_backward(const Strip<T>& s, const Operation& self) {
    sum_deltas(s, self);
    const Layer& layer = s.layer(self);
    T* const delta = s.delta(self.output);
    const T *const kept = s.kept(self.kept), *const inverses = kept + layer.units * strip<T>;
    const T* const gain = extra_of(s.batch.store.weights, layer, 0);
    with_vectors(s, [&]<int vectors>() {
        Vec<T> mean[vectors] = {}, along[vectors] = {};
        for (int64_t unit = 0; unit < layer.units; ++unit)
            for (int v = 0; v < vectors; ++v) {
                const int64_t at = unit * strip<T> + v * lanes<T>;
                const Vec<T> upstream = load(delta + at) * gain[unit];
                mean[v] += upstream;
                along[v] = multiply_add<T>(upstream, load(kept + at), along[v]);
            }
        for (int v = 0; v < vectors; ++v) {
            mean[v] /= T(layer.units);
            along[v] /= T(layer.units);
        }
        for (int64_t unit = 0; unit < layer.units; ++unit)
            for (int v = 0; v < vectors; ++v) {
                const int64_t at = unit * strip<T> + v * lanes<T>;
                const Vec<T> rest = load(delta + at) * gain[unit] - mean[v];
                store(delta + at,
                      subtract_product<T>(load(kept + at), along[v], rest) * load(inverses + v * lanes<T>));
            }
    });
}

/// Gradients of gain and shift, one panel's width each.
template <class T>
void normalization_gradient(const Batch<T>& batch, const Task& task, const Rectangle<T>& to) {
    T *const gain = to.at, *const shift = to.at + to.panel_step;
    each_delta_sum(batch, batch.operations[task.operation], [&](int64_t unit, double along, double plain) {
        gain[unit] = T(along) + (batch.add ? gain[unit] : T(0));
        shift[unit] = T(plain) + (batch.add ? shift[unit] : T(0));
    });
}

/// The running statistics take their share of a batch's: the unbiased variance.
template <class T>
void follow_moments(const Batch<T>& batch, const Operation& self) {
    const Layer& layer = batch.network->layers[self.layer];
    const double rows = double(batch.count), first = 1.0 / (double(batch.clock) + 1.0);
    const T share = T(layer.momentum > first ? layer.momentum : first);
    T *const means = extra_of(batch.store.weights, layer, 2), *const variances = means + width_of<T>(layer);
    each_moment(batch, self, [&](int64_t unit, double mean, double variance) {
        means[unit] += share * (T(mean) - means[unit]);
        variances[unit] += share * (T(variance * (rows / (rows - 1))) - variances[unit]);
    });
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
