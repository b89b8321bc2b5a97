#pragma once
#include "deltarule/operation_activation.hpp"
#include "deltarule/operation_normalization.hpp"

/// Equation (14) in the place of an activation: a = z + (σ(z) - z) p, with one trained number p for each
/// unit. In place; keeps ∂a/∂z = 1 + p (σ'(z) - 1), and behind it ∂a/∂p = σ(z) - z, of which dropout
/// takes its part too.
///
/// The delta comes as ∂f/∂a: it is needed for p before it is multiplied on. A strip writes Σ δ (σ(z) - z)
/// of every unit, and the gradient is their sum, strip after strip.
namespace deltarule::DELTARULE_ISA {

template <class T>
const T* mixture_of(const Strip<T>& s, const Layer& layer) {
    return s.batch.store.weights + layer.mixture;
}

template <class T>
void mixture_forward(const Strip<T>& s, const Operation& self) {
    const Layer& layer = s.layer(self);
    T *const z = s.values(self.output), *const slope = s.kept(self.kept);
    T* const bent = slope + layer.units * strip<T>;
    const T* const mixture = mixture_of(s, layer);
    std::memcpy(bent, z, size_t(layer.units * strip<T>) * sizeof(T));
    each_column<T>(s, layer, [&](int64_t at, Units<T, false> units) {
        activate_hidden<T>(layer, units, z + at, slope + at);
    });
    with_vectors(s, [&]<int vectors>() {
        const Vec<T> one = splat<T>(T(1));
        for (int64_t unit = 0; unit < layer.units; ++unit) {
            const Vec<T> p = splat<T>(mixture[unit]);
            for (int v = 0; v < vectors; ++v) {
                const int64_t at = unit * strip<T> + v * lanes<T>;
                const Vec<T> before = load(bent + at), apart = load(z + at) - before;
                store(bent + at, apart);
                store(z + at, multiply_add<T>(apart, p, before));
                store(slope + at, multiply_add<T>(load(slope + at) - one, p, one));
            }
        }
    });
}

template <class T>
void mixture_backward(const Strip<T>& s, const Operation& self) {
    const Layer& layer = s.layer(self);
    const T *const slope = s.kept(self.kept), *const bent = slope + layer.units * strip<T>;
    T* const delta = s.delta(self.output);
    T* const to = sums_of(s.batch, s.number, self);
    with_vectors(s, [&]<int vectors>() {
        for (int64_t first = 0; first < layer.units; first += lanes<T>)
            store(to + first, unit_sums<T>(first, layer.units, [&](int64_t unit) {
                      Vec<T> total = splat<T>(T(0));
                      for (int v = 0; v < vectors; ++v) {
                          const int64_t at = unit * strip<T> + v * lanes<T>;
                          const Vec<T> here = load(delta + at);
                          total = multiply_add<T>(here, load(bent + at), total);
                          store(delta + at, here * load(slope + at));
                      }
                      return total;
                  }));
    });
}

/// One row of a panel's width.
template <class T>
void mixture_gradient(const Batch<T>& batch, const Task& task, const Rectangle<T>& to) {
    const Operation& self = batch.operations[task.operation];
    const Layer& layer = batch.network->layers[self.layer];
    for (int64_t first = 0; first < layer.units; first += unit_block) {
        const int64_t rest = layer.units - first, count = rest < unit_block ? rest : unit_block;
        double sums[unit_block] = {};
        for (int64_t begin = 0, number = 0; begin < batch.count; begin += batch.strip_rows, ++number) {
            const T* const from = sums_of(batch, number, self) + first;
            for (int64_t i = 0; i < count; ++i) sums[i] += double(from[i]);
        }
        for (int64_t i = 0; i < count; ++i)
            to.at[first + i] = T(sums[i]) + (batch.add ? to.at[first + i] : T(0));
    }
}

template <class T>
constexpr OperationFunctions<T> mixture_functions = {&mixture_forward<T>, &mixture_backward<T>,
                                                     &mixture_gradient<T>};

}  // namespace deltarule::DELTARULE_ISA
