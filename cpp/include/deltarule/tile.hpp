#pragma once
#include <type_traits>

#include "deltarule/simd.hpp"

/// One register tile for all products of a layer:
///
///   C[m][n] (+)= Σ_k A[m][k] · B[k][n],   k ascending, one accumulator per element
///
/// A is broadcast, B and C are vectors over n. The sum over k runs in two levels, `outer` blocks
/// of `inner` terms (the last has `last`), because weights lie in panels and samples in strips.
/// An accumulator may rest in C between two calls: that is `add`, and it changes no bit.
namespace deltarule::DELTARULE_ISA {

constexpr int tile_vectors = 3;
/// Samples of one strip at most: its rows in memory are so far apart.
template <class T>
constexpr int strip = tile_vectors * lanes<T>;

#if DELTARULE_BYTES == 64 || defined(__aarch64__)
constexpr int tile_registers = 32;
#else
constexpr int tile_registers = 16;
#endif
/// Rows of a tile with so many vectors across: as many sums in flight as registers hold, at least
/// two units' four cycles of latency. Without fused operations a product takes a register as well.
constexpr int tile_rows(int vectors) {
#if defined(__FMA__) || defined(__aarch64__)
    return tile_registers == 32 ? 8 : (vectors == 1 ? 8 : 12 / vectors);
#else
    return vectors == 1 ? 8 : 9 / vectors;
#endif
}

/// Bytes of B that a block of terms may take: they and the rows of A stay in the first-level cache.
constexpr int64_t tile_cache = 18 * 1024;

template <class T>
struct Product {
    const T* a;
    const T* b;
    T* c;
    int64_t a_panel;             ///< where A is read along the panels: from one panel to the next
    int64_t a_outer, b_outer;    ///< from one block of k to the next
    int64_t b_inner, b_vector;   ///< from one k, from one vector of n to the next
    int64_t outer, inner, last;  ///< blocks, terms of a block, terms of the last one
    int64_t c_row, c_vector;     ///< from one m, one vector of n to the next
    bool add;                    ///< to what C holds
    bool rectify;                ///< InPanels: negative numbers end as zero
    const T *kept, *positive;    ///< Apart<lanes>: factors; where not positive it ends as zero; or null
    const int32_t* list;         ///< for the two listed ones: which terms, or which rows, these alone
};

/// A loop that the compiler writes out, so that arrays which only such loops index become registers.
#define DELTARULE_EACH(index, count, ...) \
    _Pragma("GCC unroll 16") for (int index = 0; index < count; ++index) { __VA_ARGS__; }

/// How rows of A lie. Apart: `step` numbers from one to the next. InPanels: a row is a lane. Of the two
/// that have a list, TermsListed takes `last` terms of InPanels, RowsListed some rows of Apart and of C.
template <int step>
struct Apart {
    template <class T, int rows>
    struct Rows {
        const T* first;
        Rows(const Product<T>& p, int64_t m) : first(p.a + m * step) {}
        DELTARULE_INLINE T at(int i, int64_t k) const { return first[i * step + k]; }
        DELTARULE_INLINE void next(int64_t block) { first += block; }
        DELTARULE_INLINE void prefetch() const {
            constexpr int line = 64 / int(sizeof(T));
            for (int i = 0; i < rows * step; i += line) __builtin_prefetch(first + rows * step + i);
        }
    };
};
struct InPanels {
    template <class T, int rows>
    struct Rows {
        const T* each[rows];
        Rows(const Product<T>& p, int64_t m) {
            const T* row = p.a + m / lanes<T> * p.a_panel + m % lanes<T>;
            const int64_t jump = p.a_panel - (lanes<T> - 1);  // from the last lane to the first of the next
            DELTARULE_EACH(i, rows, each[i] = row; row += (++m % lanes<T> ? 1 : jump));
        }
        DELTARULE_INLINE T at(int i, int64_t k) const { return each[i][k]; }
        DELTARULE_INLINE void next(int64_t block) { DELTARULE_EACH(i, rows, each[i] += block); }
        DELTARULE_INLINE void prefetch() const {}
    };
};
struct TermsListed : InPanels {};
template <int step>
struct RowsListed {
    template <class T, int rows>
    struct Rows {
        const T* each[rows];
        Rows(const Product<T>& p, int64_t m) {
            DELTARULE_EACH(i, rows, each[i] = p.a + p.list[m + i] * step);
        }
        DELTARULE_INLINE T at(int i, int64_t k) const { return each[i][k]; }
        DELTARULE_INLINE void next(int64_t block) { DELTARULE_EACH(i, rows, each[i] += block); }
        DELTARULE_INLINE void prefetch() const {}
    };
};
template <class A>
constexpr bool rows_listed = false;
template <int step>
constexpr bool rows_listed<RowsListed<step>> = true;

template <class A, int k_step, int rows, int vectors, class T>
DELTARULE_INLINE void tile(const Product<T>& p, int64_t m) {
    Vec<T> sum[rows][vectors];
    T* const c = p.c + m * p.c_row;
    const int64_t b_inner = p.b_inner, b_vector = p.b_vector, c_row = p.c_row, c_vector = p.c_vector;
    const auto row_of_c = [&](int i) __attribute__((always_inline)) {
        if constexpr (rows_listed<A>) return p.c + p.list[m + i] * c_row;
        else return c + i * c_row;
    };
    DELTARULE_EACH(i, rows, DELTARULE_EACH(j, vectors, sum[i][j] = splat<T>(T(0))));
    if (p.add)
        DELTARULE_EACH(i, rows, {
            const T* const from = row_of_c(i);
            DELTARULE_EACH(j, vectors, sum[i][j] = load(from + j * c_vector));
        });
    typename A::template Rows<T, rows> a(p, m);
    const auto add_term = [&](int64_t k, const T* b) __attribute__((always_inline)) {
        Vec<T> right[vectors];
        DELTARULE_EACH(j, vectors, right[j] = load(b + j * b_vector));
        DELTARULE_EACH(i, rows, {
            const Vec<T> left = splat<T>(a.at(i, k));
            DELTARULE_EACH(j, vectors, sum[i][j] = multiply_add<T>(right[j], left, sum[i][j]));
        });
    };
    if constexpr (std::is_same_v<A, TermsListed>) {
        for (const int32_t *at = p.list, *const end = at + p.last; at < end; ++at)
            add_term(*at * k_step, p.b + *at * b_inner);
    } else {
        for (int64_t block = 0; block < p.outer; ++block) {
            const T* b = p.b + block * p.b_outer;
            const int64_t end = (block + 1 < p.outer ? p.inner : p.last) * k_step;
            a.prefetch();
            for (int64_t k = 0; k < end; k += k_step, b += b_inner) add_term(k, b);
            a.next(p.a_outer);
        }
    }
    if constexpr (std::is_base_of_v<InPanels, A>)
        if (p.rectify)
            DELTARULE_EACH(i, rows, DELTARULE_EACH(j, vectors, sum[i][j] = at_least<T>(sum[i][j], T(0))));
    if constexpr (std::is_same_v<A, Apart<lanes<T>>>) {
        const int64_t begin = m * c_row;
        if (p.kept)
            DELTARULE_EACH(
                i, rows,
                DELTARULE_EACH(j, vectors, sum[i][j] *= load(p.kept + begin + i * c_row + j * c_vector)));
        if (p.positive)
            DELTARULE_EACH(i, rows,
                           DELTARULE_EACH(j, vectors,
                                          sum[i][j] = load(p.positive + begin + i * c_row + j * c_vector) >
                                                              splat<T>(T(0))
                                                          ? sum[i][j]
                                                          : splat<T>(T(0))));
    }
    DELTARULE_EACH(i, rows, {
        T* const to = row_of_c(i);
        DELTARULE_EACH(j, vectors, store(to + j * c_vector, sum[i][j]));
    });
}

/// `count` tiles of `size` rows, from row m on; returns the row after them.
template <class A, int k_step, int rows, int vectors, class T>
int64_t tiles(const Product<T>& p, int64_t m, int64_t count, int64_t size) {
    if constexpr (rows > 1)
        if (size < rows) return tiles<A, k_step, rows - 1, vectors, T>(p, m, count, size);
    for (; count > 0; --count, m += rows) tile<A, k_step, rows, vectors, T>(p, m);
    return m;
}

/// `count` rows of C cut evenly: a small last tile would wait for its own sums.
template <class A, int k_step, int vectors, class T>
void product_rows(const Product<T>& p, int64_t count) {
    constexpr int most = tile_rows(vectors);
    const int64_t all = (count + most - 1) / most, size = count / all, larger = count % all;
    const int64_t m = tiles<A, k_step, most, vectors, T>(p, 0, larger, size + 1);
    tiles<A, k_step, most, vectors, T>(p, m, all - larger, size);
}

/// `count` rows of C by `vectors` vectors, 1 to `tile_vectors`; along listed terms 2 for 1.
template <class A, int k_step, class T>
void product(const Product<T>& p, int64_t count, int64_t vectors) {
    if (vectors == 3) product_rows<A, k_step, 3, T>(p, count);
    else if (vectors == 2 || std::is_same_v<A, TermsListed>) product_rows<A, k_step, 2, T>(p, count);
    else if constexpr (!std::is_same_v<A, TermsListed>) product_rows<A, k_step, 1, T>(p, count);
}

}  // namespace deltarule::DELTARULE_ISA
