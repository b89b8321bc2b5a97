#pragma once
#include <cstdint>
#include <vector>

#include "deltarule/work.hpp"

namespace deltarule {

/// The rows of an epoch's steps. A rule is evaluated for many positions at a time, for many epochs
/// where these are short, and kept; the memory for it grows to its bound once.
class Orders {
public:
    /// `count` rows from `position` of an epoch on, of `rows` in all. Of the epochs before
    /// `last_epoch` as many as fit may be evaluated at once; the pointer holds until the next call.
    const int64_t* rows_of(const OrderSource& from, int64_t rows, int64_t epoch, int64_t last_epoch,
                           int64_t position, int64_t count);

private:
    void evaluate(const OrderSource& from, int64_t rows, int64_t epoch, int64_t last_epoch, int64_t position,
                  int64_t count);

    std::vector<int64_t> kept_;  ///< positions begin … end - 1 of epochs first … last - 1
    OrderKind kind_{};
    uint64_t key_ = 0;
    int64_t rows_ = 0, first_ = 0, last_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace deltarule
