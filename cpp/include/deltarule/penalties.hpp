#pragma once
#include "deltarule/plan.hpp"
#include "deltarule/simd.hpp"

/// l1 Σ|W| + l2/2 ΣW², divided by n by the caller; weights carry it, biases do not.
namespace deltarule::DELTARULE_ISA {

/// What of it a run needs: nothing, the square alone, or both.
enum class Penalty { none, square, both };

/// l1 sign(w) + l2 w with sign(0) = 0
template <Penalty penalty, class T>
DELTARULE_INLINE Vec<T> penalty_gradient(Vec<T> w, T l1, T l2) {
    if constexpr (penalty == Penalty::square) return w * l2;
    const Vec<T> zero = splat<T>(T(0));
    Vec<T> sign = w > zero ? splat<T>(l1) : (w < zero ? splat<T>(-l1) : zero);
    return sign + w * l2;
}

}  // namespace deltarule::DELTARULE_ISA
