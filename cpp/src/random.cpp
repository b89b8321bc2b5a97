#include "deltarule/random.hpp"

#include <utility>

#include "deltarule/philox.hpp"

namespace deltarule {
namespace {

/// Word after word from position `start` on.
class Words {
public:
    Words(uint64_t key, uint64_t stream, uint64_t epoch, uint64_t start)
        : key_(key), stream_(stream), epoch_(epoch), position_(start) {
        if (start % 4) block_ = philox(key, stream, epoch, start / 4);
    }

    uint64_t next() {
        if (position_ % 4 == 0) block_ = philox(key_, stream_, epoch_, position_ / 4);
        return block_.lane[position_++ % 4];
    }

private:
    uint64_t key_, stream_, epoch_, position_;
    PhiloxBlock block_{};
};

}  // namespace

void words(uint64_t key, uint64_t stream, uint64_t epoch, uint64_t start, int64_t count, uint64_t* out) {
    Words source(key, stream, epoch, start);
    for (int64_t i = 0; i < count; ++i) out[i] = source.next();
}

uint64_t below(uint64_t word, uint64_t n) { return multiply_wide(word, n).high; }

void order(OrderKind kind, uint64_t key, uint64_t epoch, int64_t n, int64_t start, int64_t count,
           int64_t* out) {
    Words source(key, uint64_t(Stream::order), epoch, uint64_t(start));
    if (kind == OrderKind::replacement) {
        for (int64_t i = 0; i < count; ++i) out[i] = int64_t(below(source.next(), uint64_t(n)));
        return;
    }
    for (int64_t i = 0; i < count; ++i) out[i] = start + i;
    if (kind == OrderKind::sequential) return;
    // Word i serves position i, so the words are taken from the end: block by block, downwards.
    for (int64_t block = (n - 1) / 4; block >= 0; --block) {
        const PhiloxBlock four = philox(key, uint64_t(Stream::order), epoch, uint64_t(block));
        for (int64_t i = block * 4 + 3; i >= block * 4; --i)
            if (i < n && i > 0) std::swap(out[i], out[below(four.lane[i % 4], uint64_t(i) + 1)]);
    }
}

}  // namespace deltarule
