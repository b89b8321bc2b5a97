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

/// What judges: the output activation and the loss with its numbers, one for all outputs.
template <class T>
struct Judge {
    Activation activation;
    T activation_parameter;
    Loss loss;
    T parameter;
};

/// ∂f/∂z from ∂f/∂d̂, in place.
template <class T, bool across>
DELTARULE_INLINE void pull_back(Activation activation, Units<T, across> at, const T* a, const T* slope,
                                T* delta) {
    if (activation == Activation::softmax) return softmax_pullback<T>(at, a, delta);
    for (int64_t i = 0; i < at.count() * at.step; i += at.step)
        store(delta + i, load(delta + i) * load(slope + i));
}

/// A loss without a stable form of its own: ∂f/∂d̂ first, then through the activation.
template <Loss kind, class T, bool across>
Vec<T> judge_plain(const Judge<T>& by, Units<T, across> at, const T* a, const T* slope, const T* d,
                   T* delta) {
    Vec<T> f = judge_each<T>(at, a, d, delta, [&](Vec<T> a, Vec<T> z, Vec<T> d) {
        return loss_term<kind, T>(kind == Loss::perceptron ? z : a, d, by.parameter);
    });
    if constexpr (kind == Loss::perceptron) return f;  // its slope is ∂f/∂z already
    pull_back<T>(by.activation, at, a, slope, delta);
    return f;
}

template <class T, bool across>
Vec<T> judge_log_loss(Activation activation, Vec<T> log_sum, Units<T, across> at, const T* a, const T* d,
                      T* delta) {
    if (activation == Activation::softmax)
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
Vec<T> judge_by(const Judge<T>& by, Units<T, across> at, T* z, T* slope, const T* d, T* delta) {
    for (int64_t i = 0; i < at.count() * at.step; i += at.step) store(delta + i, load(z + i));
    Vec<T> log_sum = splat<T>(T(0));
    if (by.activation == Activation::softmax) log_sum = softmax<T>(at, z);
    else activate<T>(by.activation, z, slope, at.count(), at.step, by.activation_parameter, true);
    switch (by.loss) {
#define DELTARULE_CASE(name) \
    case Loss::name: return judge_plain<Loss::name, T>(by, at, z, slope, d, delta);
        DELTARULE_CASE(squared_error)  // with identity the slope is one: the canonical pair
        DELTARULE_CASE(absolute_error)
        DELTARULE_CASE(huber)
        DELTARULE_CASE(quantile)
        DELTARULE_CASE(perceptron)
        case Loss::poisson:
            if (by.activation == Activation::exp) return judge_poisson_exp<T>(at, z, d, delta);
            return judge_plain<Loss::poisson, T>(by, at, z, slope, d, delta);
#undef DELTARULE_CASE
        case Loss::log_loss: break;
    }
    return judge_log_loss<T>(by.activation, log_sum, at, z, d, delta);
}

/// The same for a network of one plain head.
template <class T, bool across>
Vec<T> judge(const Network& network, Units<T, across> at, T* z, T* slope, const T* d, T* delta) {
    const Layer& last = network.layers[network.depth - 1];
    return judge_by<T>({last.activation, T(last.parameter), network.loss, T(network.loss_parameter)}, at, z,
                       slope, d, delta);
}

/// a_1 = z_1, a_k = a_{k-1} + softplus(z_k) in groups; `slope` receives 1 and logistic(z_k).
template <class T>
void ascend(Units<T, false> at, int64_t group, T* z, T* slope) {
    for (int64_t k = 0; k < at.units; ++k) {
        const Vec<T> here = load(z + k * at.step);
        const bool first = k % group == 0;
        store(slope + k * at.step, first ? splat<T>(T(1)) : logistic<T>(here));
        if (!first) store(z + k * at.step, load(z + (k - 1) * at.step) + softplus<T>(here));
    }
}

template <class T>
void ascending_pullback(Units<T, false> at, int64_t group, const T* slope, T* delta) {
    Vec<T> above = splat<T>(T(0));
    for (int64_t k = at.units; k-- > 0;) {
        above += load(delta + k * at.step);
        store(delta + k * at.step, above * load(slope + k * at.step));
        if (k % group == 0) above = splat<T>(T(0));
    }
}

/// Activates some outputs in place.
template <class T>
void activate_outputs(Activation activation, T parameter, Units<T, false> at, T* z, T* slope) {
    if (activation == Activation::softmax) return (void)softmax<T>(at, z);
    if (activation == Activation::ascending)
        return ascend<T>(at, parameter ? int64_t(parameter) : at.units, z, slope);
    activate<T>(activation, z, slope, at.units, at.step, parameter, true);
}

/// A head whose outputs have a loss parameter each in turn, or rise: the quantiles.
template <class T>
Vec<T> judge_quantiles(const Head& head, Units<T, false> at, T* z, T* slope, const T* d, T* delta) {
    activate_outputs<T>(head.activation, T(head.parameter), at, z, slope);
    Vec<T> f = splat<T>(T(0));
    for (int64_t k = 0; k < at.units; ++k) {
        const T quantile = T(head.parameters[k % head.parameter_count]);
        const Term<T> found =
            loss_term<Loss::quantile, T>(load(z + k * at.step), load(d + k * at.step), quantile);
        f += found.value;
        store(delta + k * at.step, found.slope);
    }
    if (head.activation == Activation::ascending)
        ascending_pullback<T>(at, head.parameter ? int64_t(head.parameter) : at.units, slope, delta);
    else pull_back<T>(head.activation, at, z, slope, delta);
    return f;
}

/// The factor of f and δ: the head's weight, times that of the class where the target is largest.
template <class T>
Vec<T> weight_of(const Head& head, Units<T, false> at, const T* d) {
    const Vec<T> weight = splat<T>(T(head.weight));
    if (!head.class_weights) return weight;
    const auto of_class = [&](int64_t k) { return splat<T>(T(head.class_weights[k])); };
    Vec<T> most = at.units == 1 ? splat<T>(T(0.5)) : load(d), found = of_class(0);
    for (int64_t k = 1; k < (at.units == 1 ? 2 : at.units); ++k) {
        const Vec<T> target = load(d + (at.units == 1 ? 0 : k * at.step));
        found = target > most ? of_class(k) : found;
        most = target > most ? target : most;
    }
    return weight * found;
}

/// All heads: f and δ times their weights. Where there are several, one whose target is NaN says nothing.
template <class T>
Vec<T> judge_heads(const Network& network, T* z, T* slope, const T* d, T* delta, int64_t step) {
    if (network.head_count == 1 && network.heads->weight == 1 && network.heads->parameter_count == 1 &&
        network.heads->activation != Activation::ascending && !network.heads->class_weights) {
        const Head& head = *network.heads;
        return judge_by<T>({head.activation, T(head.parameter), head.loss, T(head.parameters[0])},
                           Units<T, false>{head.end, step}, z, slope, d, delta);
    }
    Vec<T> total = splat<T>(T(0));
    const Vec<T> zero = total;
    for (int64_t h = 0; h < network.head_count; ++h) {
        const Head& head = network.heads[h];
        const int64_t begin = head.begin * step;
        const Units<T, false> at{head.end - head.begin, step};
        const bool quantiles = head.parameter_count > 1 || head.activation == Activation::ascending;
        const Judge<T> by{head.activation, T(head.parameter), head.loss, T(head.parameters[0])};
        const Vec<T> f =
            quantiles ? judge_quantiles<T>(head, at, z + begin, slope + begin, d + begin, delta + begin)
                      : judge_by<T>(by, at, z + begin, slope + begin, d + begin, delta + begin);
        Mask<T> there = zero == zero;
        for (int64_t k = 0; network.head_count > 1 && k < at.units; ++k) {
            const Vec<T> target = load(d + begin + k * step);
            there &= target == target;
        }
        const Vec<T> weight = weight_of<T>(head, at, d + begin);
        total += there ? f * weight : zero;
        for (int64_t k = 0; k < at.units; ++k) {
            T* const to = delta + begin + k * step;
            store(to, there ? load(to) * weight : zero);
        }
    }
    return total;
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
