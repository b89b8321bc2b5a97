#include "deltarule/orders.hpp"

#include <algorithm>
#include <limits>

namespace deltarule {
namespace {

/// Positions of a long epoch that are evaluated at a time, where the rule allows a part of one.
constexpr int64_t long_block = 4096;
/// Positions of short epochs that are evaluated at a time: few, for the rows share the cache.
constexpr int64_t short_block = 512;

}  // namespace

const int64_t* Orders::rows_of(const OrderSource& from, int64_t rows, int64_t epoch, int64_t last_epoch,
                               int64_t position, int64_t count) {
    if (from.array) return from.array + position;
    if (epoch < first_ || epoch >= last_ || position < begin_ || position + count > end_ || rows != rows_ ||
        from.kind != kind_ || from.key != key_)
        evaluate(from, rows, epoch, last_epoch, position, count);
    return kept_.data() + (kind_ == OrderKind::sequential ? 0 : (epoch - first_) * (end_ - begin_)) +
           (position - begin_);
}

void Orders::evaluate(const OrderSource& from, int64_t rows, int64_t epoch, int64_t last_epoch,
                      int64_t position, int64_t count) {
    kind_ = from.kind;
    key_ = from.key;
    rows_ = rows;
    first_ = epoch;
    last_ = epoch + 1;
    begin_ = 0;
    end_ = rows;
    if (rows > short_block && kind_ != OrderKind::shuffle) {
        begin_ = position;
        end_ = std::min(rows, position + std::max(count, long_block));
    }
    if (rows <= short_block) last_ = std::clamp(last_epoch, last_, epoch + short_block / rows);
    const auto need = size_t((last_ - first_) * (end_ - begin_));
    if (kept_.size() < need) kept_.resize(need);
    for (int64_t e = first_; e < last_; ++e)
        order(kind_, key_, uint64_t(e), rows, begin_, end_ - begin_,
              kept_.data() + (e - first_) * (end_ - begin_));
    if (kind_ == OrderKind::sequential) {  // the same in every epoch
        first_ = 0;
        last_ = std::numeric_limits<int64_t>::max();
    }
}

}  // namespace deltarule
