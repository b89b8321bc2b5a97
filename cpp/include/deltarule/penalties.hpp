#pragma once
#include "deltarule/plan.hpp"
#include "deltarule/simd.hpp"

/// l1 Σ|W| + l2/2 ΣW², divided by n by the caller; weights carry it, biases do not.
namespace deltarule::DELTARULE_ISA {

/// What of it a run needs: nothing, the square alone, or both.
enum class Penalty { none, square, both };

/// g + l1 sign(w) + l2 w with sign(0) = 0; the strengths are numbers, or vectors of one for each lane.
template <Penalty penalty, class T, class Strength>
DELTARULE_INLINE Vec<T> penalised(Vec<T> g, Vec<T> w, Strength l1, Strength l2) {
    if constexpr (penalty == Penalty::none) return g;
    if constexpr (penalty == Penalty::both) {
        const Vec<T> zero = splat<T>(T(0));
        g += w > zero ? zero + l1 : (w < zero ? zero - l1 : zero);
    }
    return multiply_add<T>(w, l2, g);
}

}  // namespace deltarule::DELTARULE_ISA
