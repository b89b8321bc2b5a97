#pragma once
#include "deltarule/elementwise.hpp"
#include "deltarule/plan.hpp"

/// The seven losses, term by term: f = Σ_k value(d̂_k, d_k), slope = ∂value/∂d̂_k.
/// Pairs with an output activation that are better computed from z stand in backprop.hpp; log_loss
/// has no other form than those.
namespace deltarule::DELTARULE_ISA {

template <class T>
struct Term {
    Vec<T> value, slope;
};

/// d log(x), 0 where d = 0
template <class T>
DELTARULE_INLINE Vec<T> times_logarithm(Vec<T> d, Vec<T> x) {
    const Vec<T> zero = splat<T>(T(0));
    return d == zero ? zero : d * logarithm<T>(x);
}

/// One output against its target; `parameter` is huber's delta or the quantile.
template <Loss kind, class T>
DELTARULE_INLINE Term<T> loss_term(Vec<T> prediction, Vec<T> target, T parameter) {
    const Vec<T> zero = splat<T>(T(0)), one = splat<T>(T(1));
    Vec<T> r = prediction - target;
    if constexpr (kind == Loss::squared_error) {
        return {r * r * T(0.5), r};
    } else if constexpr (kind == Loss::absolute_error) {
        Vec<T> sign = r > zero ? one : (r < zero ? -one : r);
        return {absolute<T>(r), sign};
    } else if constexpr (kind == Loss::huber) {
        Vec<T> size = absolute<T>(r), bound = splat<T>(parameter);
        Mask<T> inside = size <= bound;
        return {inside ? r * r * T(0.5) : bound * (size - bound * T(0.5)),
                inside ? r : with_sign<T>(bound, r)};
    } else if constexpr (kind == Loss::quantile) {
        // max(q (d - d̂), (q - 1)(d - d̂))
        Vec<T> below = r * -parameter, above = r * (T(1) - parameter);
        Vec<T> slope = r < zero ? splat<T>(-parameter) : (r > zero ? splat<T>(T(1) - parameter) : r);
        return {r < zero ? below : above, slope};
    } else if constexpr (kind == Loss::poisson) {
        // half the deviance: d log(d / d̂) - d + d̂
        Vec<T> ratio = target == zero ? zero : target / prediction;
        return {times_logarithm<T>(target, ratio) - target + prediction, T(1) - ratio};
    } else {
        // perceptron: `prediction` is z; max(0, -d z)
        static_assert(kind == Loss::perceptron);
        Vec<T> margin = target * prediction;
        return {margin > zero ? zero : -margin, margin > zero ? zero : -target};
    }
}

}  // namespace deltarule::DELTARULE_ISA
