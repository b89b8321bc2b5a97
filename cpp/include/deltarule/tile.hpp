#pragma once
#include "deltarule/simd.hpp"

/// One register tile for all three products of a layer:
///
///   C[m][n] (+)= Σ_k A[m][k] · B[k][n],   k ascending, one accumulator per element
///
/// A is broadcast, B and C are vectors over n. The sum over k runs in two levels, `outer` blocks
/// of `inner` terms (the last has `last`), because weights lie in panels and samples in strips.
/// The strides of A are known at compile time, so that a tile needs one address register.
namespace deltarule::DELTARULE_ISA {

/// Rows of a tile: with three vectors across they fill the registers.
template <class T>
constexpr int tile_rows = DELTARULE_BYTES == 64 ? 8 : (lanes<T> < 4 ? lanes<T> : 4);
constexpr int tile_vectors = 3;
/// Samples of one strip.
template <class T>
constexpr int strip = tile_vectors * lanes<T>;

template <class T>
struct Product {
    const T* a;
    const T* b;
    T* c;
    int64_t a_outer, b_outer;    ///< from one block of k to the next
    int64_t b_inner;             ///< from one k to the next
    int64_t outer, inner, last;  ///< blocks, terms of a block, terms of the last one
    int64_t c_row, c_vector;     ///< from one m, one vector of n to the next
    bool add;                    ///< to what C holds
};

template <int m_step, int k_step, int rows, int vectors, class T>
void tile(const Product<T>& p, int64_t m) {
    Vec<T> sum[rows][vectors];
    T* const c = p.c + m * p.c_row;
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < vectors; ++j)
            sum[i][j] = p.add ? load(c + i * p.c_row + j * p.c_vector) : splat<T>(T(0));
    for (int64_t block = 0; block < p.outer; ++block) {
        const T* a = p.a + m * m_step + block * p.a_outer;
        const T* b = p.b + block * p.b_outer;
        const int64_t terms = block + 1 < p.outer ? p.inner : p.last;
        for (int64_t k = 0; k < terms; ++k, a += k_step, b += p.b_inner) {
            Vec<T> right[vectors];
            for (int j = 0; j < vectors; ++j) right[j] = load(b + j * lanes<T>);
            for (int i = 0; i < rows; ++i)
                for (int j = 0; j < vectors; ++j) sum[i][j] += right[j] * a[i * m_step];
        }
    }
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < vectors; ++j) store(c + i * p.c_row + j * p.c_vector, sum[i][j]);
}

template <int m_step, int k_step, int rows, int vectors, class T>
void product_rows(const Product<T>& p, int64_t m, int64_t count) {
    for (; m + rows <= count; m += rows) tile<m_step, k_step, rows, vectors, T>(p, m);
    if constexpr (rows > 1) product_rows<m_step, k_step, rows / 2, vectors, T>(p, m, count);
}

/// `count` rows of C by `vectors` vectors, 1 to `tile_vectors`.
template <int m_step, int k_step, class T>
void product(const Product<T>& p, int64_t count, int64_t vectors) {
    constexpr int rows = tile_rows<T>;
    if (vectors == 3) product_rows<m_step, k_step, rows, 3, T>(p, 0, count);
    else if (vectors == 2) product_rows<m_step, k_step, rows, 2, T>(p, 0, count);
    else product_rows<m_step, k_step, rows, 1, T>(p, 0, count);
}

}  // namespace deltarule::DELTARULE_ISA
