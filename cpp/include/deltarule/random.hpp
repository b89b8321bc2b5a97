#pragma once
#include <cstdint>

/// The counter-based generator Philox4x64-10 (Salmon et al., SC 2011), with the bits of
/// numpy.random.Philox, and the orders of rows that are made of it.
namespace deltarule {

enum class OrderKind : int { replacement, shuffle, sequential };

/// Streams of one key; the same numbers as the Python side's `Stream`.
enum class Stream : uint64_t { initial, order, split, dropout, restart };

/// Words start … start + count - 1: word p is lane p % 4 of Philox(key = (key, stream),
/// counter = (p / 4, epoch, 0, 0)). Dropout has the layer in the third place of the counter.
void words(uint64_t key, uint64_t stream, uint64_t epoch, uint64_t start, int64_t count, uint64_t* out);

/// floor(word n / 2^64): an integer below n.
uint64_t below(uint64_t word, uint64_t n);

/// Positions start … start + count - 1 of an epoch's order of n rows. A shuffle (Fisher-Yates from
/// the end) has to be made whole: start must be 0 and count n.
void order(OrderKind kind, uint64_t key, uint64_t epoch, int64_t n, int64_t start, int64_t count,
           int64_t* out);

}  // namespace deltarule
