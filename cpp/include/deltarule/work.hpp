#pragma once
#include <cstdint>

#include "deltarule/random.hpp"

/// What every step of a run does, as plain data.
namespace deltarule {

/// Where the rows of a run come from: an array for one epoch, or a rule evaluated by the core.
struct OrderSource {
    const int64_t* array = nullptr;
    int64_t length = 0;  ///< of the array
    OrderKind kind = OrderKind::sequential;
    uint64_t key = 0;
};

struct Work {
    OrderSource order;
    int64_t batch_size = 1;
    double l1 = 0, l2 = 0;  ///< divided by n
    double scale = 1;       ///< N/n
    int64_t clock = 0;      ///< what adam's t is ahead of the order's steps
    uint64_t key = 0;       ///< of what a step draws beside its rows
};

/// Step sizes before adam's correction: `rate` times a factor for every step.
struct Rates {
    const double* factors = nullptr;  ///< one per step; null: all are 1
    double rate = 1;

    double operator[](int64_t step) const { return factors ? rate * factors[step] : rate; }
    Rates from(int64_t step) const { return {factors ? factors + step : nullptr, rate}; }
};

}  // namespace deltarule
