#include "deltarule/random.hpp"

#include <utility>

namespace deltarule {
namespace {

struct Wide {
    uint64_t high, low;
};

Wide multiply(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
    __extension__ using Product = unsigned __int128;
    const Product product = Product(a) * b;
    return {uint64_t(product >> 64), uint64_t(product)};
#else
    const uint64_t a0 = uint32_t(a), a1 = a >> 32, b0 = uint32_t(b), b1 = b >> 32;
    const uint64_t low = a0 * b0, cross = a1 * b0 + (low >> 32), other = a0 * b1 + uint32_t(cross);
    return {a1 * b1 + (cross >> 32) + (other >> 32), a * b};
#endif
}

/// Four words of Philox4x64-10.
struct Block {
    uint64_t lane[4];
};

Block philox(uint64_t key, uint64_t stream, uint64_t epoch, uint64_t block) {
    uint64_t c0 = block, c1 = epoch, c2 = 0, c3 = 0;
    for (int round = 0; round < 10; ++round) {
        const Wide first = multiply(0xD2E7470EE14C6C93u, c0), second = multiply(0xCA5A826395121157u, c2);
        c0 = second.high ^ c1 ^ key;
        c1 = second.low;
        c2 = first.high ^ c3 ^ stream;
        c3 = first.low;
        key += 0x9E3779B97F4A7C15u;
        stream += 0xBB67AE8584CAA73Bu;
    }
    return {{c0, c1, c2, c3}};
}

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
    Block block_{};
};

}  // namespace

void words(uint64_t key, uint64_t stream, uint64_t epoch, uint64_t start, int64_t count, uint64_t* out) {
    Words source(key, stream, epoch, start);
    for (int64_t i = 0; i < count; ++i) out[i] = source.next();
}

uint64_t below(uint64_t word, uint64_t n) { return multiply(word, n).high; }

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
        const Block four = philox(key, uint64_t(Stream::order), epoch, uint64_t(block));
        for (int64_t i = block * 4 + 3; i >= block * 4; --i)
            if (i < n && i > 0) std::swap(out[i], out[below(four.lane[i % 4], uint64_t(i) + 1)]);
    }
}

}  // namespace deltarule
