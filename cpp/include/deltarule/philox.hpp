#pragma once
#include <cstdint>

/// One block of the counter-based generator Philox4x64-10 (Salmon et al., SC 2011), for the core's own
/// files and for kernels alike: always inlined, so that no instruction set's copy is taken for another's.
namespace deltarule {

struct PhiloxBlock {
    uint64_t lane[4];
};

struct WideProduct {
    uint64_t high, low;
};

__attribute__((always_inline)) inline WideProduct multiply_wide(uint64_t a, uint64_t b) {
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

/// Four words: key (key, stream), counter (block, epoch, part, 0).
__attribute__((always_inline)) inline PhiloxBlock philox(uint64_t key, uint64_t stream, uint64_t epoch,
                                                         uint64_t block, uint64_t part = 0) {
    uint64_t c0 = block, c1 = epoch, c2 = part, c3 = 0;
    for (int round = 0; round < 10; ++round) {
        const WideProduct first = multiply_wide(0xD2E7470EE14C6C93u, c0);
        const WideProduct second = multiply_wide(0xCA5A826395121157u, c2);
        c0 = second.high ^ c1 ^ key;
        c1 = second.low;
        c2 = first.high ^ c3 ^ stream;
        c3 = first.low;
        key += 0x9E3779B97F4A7C15u;
        stream += 0xBB67AE8584CAA73Bu;
    }
    return {{c0, c1, c2, c3}};
}

}  // namespace deltarule
