#pragma once
#include "deltarule/elementwise.hpp"
#include "deltarule/plan.hpp"

/// The thirteen activations: a = σ(z) and slope = σ'(z), computed together because they share the
/// exponential. With the slope kept, the backward pass is a product whatever the activation was.
namespace deltarule::DELTARULE_ISA {

template <class T>
struct Activated {
    Vec<T> value, slope;
};

/// log(1 + e^z) = max(z, 0) + log(1 + e^-|z|)
template <class T>
DELTARULE_INLINE Vec<T> softplus(Vec<T> z) {
    Vec<T> positive = z < splat<T>(T(0)) ? splat<T>(T(0)) : z;
    return positive + logarithm_of_one_plus<T>(exponential<T>(-absolute<T>(z)));
}

/// Value and slope of one elementwise activation; `output` selects σ' := 1 for sign.
template <Activation kind, class T>
DELTARULE_INLINE Activated<T> activated(Vec<T> z, T parameter, bool output) {
    const Vec<T> zero = splat<T>(T(0)), one = splat<T>(T(1));
    if constexpr (kind == Activation::logistic) {
        Vec<T> a = logistic<T>(z);
        return {a, subtract_product<T>(a, a, a)};
    } else if constexpr (kind == Activation::tanh) {
        Vec<T> a = hyperbolic_tangent<T>(z);
        return {a, subtract_product<T>(a, a, one)};
    } else if constexpr (kind == Activation::relu) {
        return {at_least<T>(z, T(0)), z > zero ? one : zero};
    } else if constexpr (kind == Activation::leaky_relu) {
        return {z > zero ? z : z * parameter, z > zero ? one : splat<T>(parameter)};
    } else if constexpr (kind == Activation::sign) {
        // Hidden units: the clipped straight-through derivative 1{|z| <= 1}.
        Vec<T> inside = absolute<T>(z) <= one ? one : zero;
        return {z < zero ? -one : (z >= zero ? one : z), output ? one : inside};
    } else if constexpr (kind == Activation::softplus) {
        return {softplus<T>(z), logistic<T>(z)};
    } else if constexpr (kind == Activation::selu) {
        constexpr T scale = T(1.0507009873554804934), alpha = T(1.6732632423543772848);
        Vec<T> e = exponential_minus_one<T>(z > zero ? zero : z);
        return {z > zero ? z * scale : e * (scale * alpha),
                z > zero ? splat<T>(scale) : (e + T(1)) * (scale * alpha)};
    } else if constexpr (kind == Activation::gelu) {
        Normal<T> n = normal<T>(z);
        return {z * n.cdf, multiply_add<T>(z, n.density, n.cdf)};
    } else if constexpr (kind == Activation::silu) {
        Vec<T> s = logistic<T>(z);
        return {z * s, s * multiply_add<T>(z, one - s, one)};
    } else if constexpr (kind == Activation::mish) {
        // tanh(softplus(z)) = n / (n + 2) with e = e^z, n = e (e + 2); it is 1 from z = 20 on.
        Vec<T> e = exponential<T>(z > T(20) ? splat<T>(T(20)) : z);
        Vec<T> n = e * (e + T(2)), inverse = T(1) / (n + T(2));
        Vec<T> t = n * inverse, s = e / (e + T(1));
        return {z * t, multiply_add<T>(z * s * (n + T(1)), inverse * inverse * T(4), t)};
    } else if constexpr (kind == Activation::exp) {
        Vec<T> a = exponential<T>(z);
        return {a, a};
    } else {
        return {z, one};
    }
}

/// `count` vectors, one every `step` numbers: z becomes a in place, `slope` receives σ'(z).
template <Activation kind, class T>
void activate_as(T* z, T* slope, int64_t count, int64_t step, T parameter, bool output) {
    for (int64_t i = 0; i < count; ++i) {
        Activated<T> found = activated<kind, T>(load(z + i * step), parameter, output);
        store(z + i * step, found.value);
        store(slope + i * step, found.slope);
    }
}

/// Calls `act.template operator()<kind>()` for the activation chosen at run time; not for softmax, which
/// is no elementwise function.
template <class Action>
DELTARULE_INLINE void with_activation(Activation kind, Action act) {
    switch (kind) {
#define DELTARULE_CASE(name) \
    case Activation::name: return act.template operator()<Activation::name>();
        DELTARULE_CASE(identity)
        DELTARULE_CASE(logistic)
        DELTARULE_CASE(tanh)
        DELTARULE_CASE(relu)
        DELTARULE_CASE(leaky_relu)
        DELTARULE_CASE(sign)
        DELTARULE_CASE(softplus)
        DELTARULE_CASE(selu)
        DELTARULE_CASE(gelu)
        DELTARULE_CASE(silu)
        DELTARULE_CASE(mish)
        DELTARULE_CASE(exp)
#undef DELTARULE_CASE
        case Activation::softmax:
        case Activation::ascending: return;
    }
}

/// The same with the kind known at run time.
template <class T>
void activate(Activation kind, T* z, T* slope, int64_t count, int64_t step, T parameter, bool output) {
    with_activation(
        kind, [&]<Activation known>() { activate_as<known, T>(z, slope, count, step, parameter, output); });
}

/// Where the units of one layer lie. Across: one row, the units in the lanes of a few vectors.
/// Along: one vector per unit, holding as many rows as it has lanes.
template <class T, bool across>
struct Units {
    int64_t units, step;

    DELTARULE_INLINE int64_t count() const { return across ? (units + lanes<T> - 1) / lanes<T> : units; }
    /// True where vector `i` holds a unit and not padding.
    DELTARULE_INLINE Mask<T> inside(int64_t i) const {
        return across ? first_lanes<T>(units - i * lanes<T>) : first_lanes<T>(lanes<T>);
    }
    DELTARULE_INLINE Vec<T> sum(Vec<T> x) const { return across ? sum_across<T>(x) : x; }
    DELTARULE_INLINE Vec<T> largest(Vec<T> x) const { return across ? largest_across<T>(x) : x; }
};

/// a_k = e^{z_k} / Σ_g e^{z_g} in place; returns log Σ_g e^{z_g}. Padding becomes zero.
template <class T, bool across>
Vec<T> softmax(Units<T, across> at, T* z) {
    Vec<T> top = at.inside(0) ? load(z) : splat<T>(T(-3e38));
    for (int64_t i = 1; i < at.count(); ++i) {
        Vec<T> next = at.inside(i) ? load(z + i * at.step) : splat<T>(T(-3e38));
        top = next > top ? next : (next <= top ? top : next);  // NaN is kept
    }
    top = at.largest(top);
    Vec<T> total = splat<T>(T(0));
    for (int64_t i = 0; i < at.count(); ++i) {
        Vec<T> e = exponential<T>(load(z + i * at.step) - top);
        e = at.inside(i) ? e : splat<T>(T(0));
        store(z + i * at.step, e);
        total += e;
    }
    total = at.sum(total);
    Vec<T> inverse = T(1) / total;
    for (int64_t i = 0; i < at.count(); ++i) store(z + i * at.step, load(z + i * at.step) * inverse);
    return top + logarithm<T>(total);
}

/// δ_k = a_k (u_k - Σ_g a_g u_g): the transposed Jacobian of softmax times u, in place of u.
template <class T, bool across>
void softmax_pullback(Units<T, across> at, const T* a, T* upstream) {
    Vec<T> mean = splat<T>(T(0));
    for (int64_t i = 0; i < at.count(); ++i)
        mean = multiply_add<T>(load(a + i * at.step), load(upstream + i * at.step), mean);
    mean = at.sum(mean);
    for (int64_t i = 0; i < at.count(); ++i) {
        Vec<T> delta = load(a + i * at.step) * (load(upstream + i * at.step) - mean);
        store(upstream + i * at.step, delta);
    }
}

}  // namespace deltarule::DELTARULE_ISA
