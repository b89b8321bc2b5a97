#pragma once
#include <cstdint>

/// What one instruction set measures; the numbers are operations per nanosecond of this thread's time.
namespace deltarule::benchmarks {

enum class Kind : int { forward, data_gradient, weight_gradient };

struct Case {
    int64_t inputs, units, batch;
};

struct Measures {
    double (*peak)();                        ///< fused multiply-adds in registers alone
    double (*speed)(Kind kind, Case shape);  ///< 2 · inputs · units · batch per product
};

}  // namespace deltarule::benchmarks
