#pragma once
#include "deltarule/backprop.hpp"
#include "deltarule/strip.hpp"

/// Equation (3) for a hidden layer, and the second factor of (6). In place; keeps σ'(z).
namespace deltarule::DELTARULE_ISA {

/// Calls `act(at, units)` so that it sees every vector of a block once; a full strip in one go.
template <class T, class Action>
DELTARULE_INLINE void each_column(const Strip<T>& s, const Layer& layer, Action act) {
    if (s.vectors == tile_vectors && layer.activation != Activation::softmax)
        return act(0, Units<T, false>{layer.units * tile_vectors, lanes<T>});
    for (int64_t v = 0; v < s.vectors; ++v) act(v * lanes<T>, Units<T, false>{layer.units, strip<T>});
}

template <class T>
void activation_forward(const Strip<T>& s, const Operation& self) {
    const Layer& layer = s.layer(self);
    T *const z = s.values(self.output), *const slope = s.kept(self.kept);
    each_column<T>(s, layer, [&](int64_t at, Units<T, false> units) {
        activate_hidden<T>(layer, units, z + at, slope + at);
    });
}

template <class T>
void activation_backward(const Strip<T>& s, const Operation& self) {
    if (self.gated) return;
    const Layer& layer = s.layer(self);
    T *const a = s.values(self.output), *const slope = s.kept(self.kept), *const delta = s.delta(self.output);
    each_column<T>(s, layer, [&](int64_t at, Units<T, false> units) {
        hidden_delta<T>(layer, units, a + at, slope + at, delta + at);
    });
}

template <class T>
constexpr OperationFunctions<T> activation_functions = {&activation_forward<T>, &activation_backward<T>,
                                                        nullptr};

}  // namespace deltarule::DELTARULE_ISA
