#pragma once
#include "deltarule/activations.hpp"
#include "deltarule/losses.hpp"

/// Equations (4) and (5) at the output, and the second factor of (6) at a hidden layer:
///
///   f = Σ_k loss(d̂_k, d_k),  δ^L = ∂f/∂z^L,  δ^l = upstream ⊙ σ_l'(z^l)
///
/// The canonical pairs, each with δ^L = d̂ - d and f from z where σ saturates:
///
///   log_loss, softmax         Σ d (log Σ e^z - z)
///   log_loss, logistic        log(1 + e^z) - d z
///   squared_error, identity   (z - d)² / 2
///   poisson, exp              d log d - d z - d + e^z
namespace deltarule::DELTARULE_ISA {

/// Walks over the outputs: `term(a, z, d)` gives value and δ; z is read from `delta`, δ replaces it.
template <class T, bool across, class TermOf>
DELTARULE_INLINE Vec<T> judge_each(Units<T, across> at, const T* a, const T* d, T* delta, TermOf term) {
    const Vec<T> zero = splat<T>(T(0));
    Vec<T> total = zero;
    for (int64_t i = 0; i < at.count(); ++i) {
        const int64_t here = i * at.step;
        Term<T> found = term(load(a + here), load(delta + here), load(d + here));
        Mask<T> inside = at.inside(i);
        total += inside ? found.value : zero;
        store(delta + here, inside ? found.slope : zero);
    }
    return at.sum(total);
}

/// A loss without a stable form of its own: ∂f/∂d̂ first, then through the activation.
template <Loss kind, class T, bool across>
Vec<T> judge_plain(const Layer& last, T parameter, Units<T, across> at, const T* a, const T* slope,
                   const T* d, T* delta) {
    Vec<T> f = judge_each<T>(at, a, d, delta, [&](Vec<T> a, Vec<T> z, Vec<T> d) {
        return loss_term<kind, T>(kind == Loss::perceptron ? z : a, d, parameter);
    });
    if constexpr (kind == Loss::perceptron) return f;  // its slope is ∂f/∂z already
    if (last.activation == Activation::softmax) {
        softmax_pullback<T>(at, a, delta);
        return f;
    }
    for (int64_t i = 0; i < at.count() * at.step; i += at.step)
        store(delta + i, load(delta + i) * load(slope + i));
    return f;
}

template <class T, bool across>
Vec<T> judge_log_loss(const Layer& last, Vec<T> log_sum, Units<T, across> at, const T* a, const T* d,
                      T* delta) {
    if (last.activation == Activation::softmax)
        return judge_each<T>(at, a, d, delta,
                             [&](Vec<T> a, Vec<T> z, Vec<T> d) { return Term<T>{d * (log_sum - z), a - d}; });
    return judge_each<T>(at, a, d, delta, [&](Vec<T> a, Vec<T> z, Vec<T> d) {
        return Term<T>{subtract_product<T>(d, z, softplus<T>(z)), a - d};
    });
}

template <class T, bool across>
Vec<T> judge_poisson_exp(Units<T, across> at, const T* a, const T* d, T* delta) {
    return judge_each<T>(at, a, d, delta, [&](Vec<T> a, Vec<T> z, Vec<T> d) {
        return Term<T>{subtract_product<T>(d, z, times_logarithm<T>(d, d)) - d + a, a - d};
    });
}

/// Activates the output layer in place (z becomes a), writes δ^L of weight one and returns f.
template <class T, bool across>
Vec<T> judge(const Network& network, Units<T, across> at, T* z, T* slope, const T* d, T* delta) {
    const Layer& last = network.layers[network.depth - 1];
    const T parameter = T(network.loss_parameter);
    for (int64_t i = 0; i < at.count() * at.step; i += at.step) store(delta + i, load(z + i));
    Vec<T> log_sum = splat<T>(T(0));
    if (last.activation == Activation::softmax) log_sum = softmax<T>(at, z);
    else activate<T>(last.activation, z, slope, at.count(), at.step, T(last.parameter), true);
    switch (network.loss) {
#define DELTARULE_CASE(name) \
    case Loss::name: return judge_plain<Loss::name, T>(last, parameter, at, z, slope, d, delta);
        DELTARULE_CASE(squared_error)  // with identity the slope is one: the canonical pair
        DELTARULE_CASE(absolute_error)
        DELTARULE_CASE(huber)
        DELTARULE_CASE(quantile)
        DELTARULE_CASE(perceptron)
        case Loss::poisson:
            if (last.activation == Activation::exp) return judge_poisson_exp<T>(at, z, d, delta);
            return judge_plain<Loss::poisson, T>(last, parameter, at, z, slope, d, delta);
#undef DELTARULE_CASE
        case Loss::log_loss: break;
    }
    return judge_log_loss<T>(last, log_sum, at, z, d, delta);
}

/// Activates a hidden layer in place; `slope` receives σ'(z) where σ is elementwise.
template <class T, bool across>
DELTARULE_INLINE void activate_hidden(const Layer& layer, Units<T, across> at, T* z, T* slope) {
    if (layer.activation == Activation::softmax) softmax<T>(at, z);
    else activate<T>(layer.activation, z, slope, at.count(), at.step, T(layer.parameter), false);
}

/// δ^l from ∂f/∂a^l, in place.
template <class T, bool across>
DELTARULE_INLINE void hidden_delta(const Layer& layer, Units<T, across> at, const T* a, const T* slope,
                                   T* upstream) {
    if (layer.activation == Activation::softmax) return softmax_pullback<T>(at, a, upstream);
    for (int64_t i = 0; i < at.count() * at.step; i += at.step)
        store(upstream + i, load(upstream + i) * load(slope + i));
}

}  // namespace deltarule::DELTARULE_ISA
