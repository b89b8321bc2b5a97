#pragma once
#include <cstdint>

/// The elementwise functions of one instruction set as plain functions, for their tests alone:
/// kernels have them inlined.
namespace deltarule {

enum class Elementwise : int {
    exp,
    expm1,
    log,
    log1p,
    tanh,
    erf,
    normal_cdf,
    logistic,
    softplus,
    cosine,
    sine
};
constexpr int elementwise_count = 11;

/// In place, `count` a multiple of the vector; denormals are zero, as in every kernel.
template <class T>
using InPlace = void (*)(T* x, int64_t count);

struct ElementwiseTable {
    InPlace<float> float32[elementwise_count];
    InPlace<double> float64[elementwise_count];

    InPlace<float> of(Elementwise function, float) const { return float32[int(function)]; }
    InPlace<double> of(Elementwise function, double) const { return float64[int(function)]; }
};

/// Those of the instruction set in use.
const ElementwiseTable& elementwise();

}  // namespace deltarule
