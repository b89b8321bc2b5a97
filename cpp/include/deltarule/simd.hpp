#pragma once
#include <cstdint>
#include <utility>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

// Every header that kernels include puts its code into a namespace named after the instruction
// set. Two translation units compiled with different -m flags therefore never share an inline
// function, which the linker would merge into whichever came first.
#ifndef DELTARULE_ISA
#define DELTARULE_ISA plain
#endif

#define DELTARULE_INLINE [[gnu::always_inline]] inline

/// Vectors of one register, on the vector extensions of GCC and Clang. The only file that names
/// intrinsics.
namespace deltarule::DELTARULE_ISA {

#if defined(__AVX512F__)
#define DELTARULE_BYTES 64
#elif defined(__AVX2__)
#define DELTARULE_BYTES 32
#else
#define DELTARULE_BYTES 16
#endif

template <class T>
struct Simd;

template <>
struct Simd<float> {
    using Int = int32_t;
    typedef float Vec __attribute__((vector_size(DELTARULE_BYTES), may_alias));
    typedef int32_t Mask __attribute__((vector_size(DELTARULE_BYTES), may_alias));
    typedef uint32_t Word __attribute__((vector_size(DELTARULE_BYTES), may_alias));
    typedef float Loose __attribute__((vector_size(DELTARULE_BYTES), aligned(4), may_alias));
};

template <>
struct Simd<double> {
    using Int = int64_t;
    typedef double Vec __attribute__((vector_size(DELTARULE_BYTES), may_alias));
    typedef int64_t Mask __attribute__((vector_size(DELTARULE_BYTES), may_alias));
    typedef uint64_t Word __attribute__((vector_size(DELTARULE_BYTES), may_alias));
    typedef double Loose __attribute__((vector_size(DELTARULE_BYTES), aligned(8), may_alias));
};

template <class T>
using Vec = typename Simd<T>::Vec;
template <class T>
using Mask = typename Simd<T>::Mask;  ///< comparisons give it; integer arithmetic uses it
template <class T>
constexpr int lanes = DELTARULE_BYTES / int(sizeof(T));

template <class T>
DELTARULE_INLINE Vec<T> load(const T* from) {
    return *reinterpret_cast<const typename Simd<T>::Loose*>(from);
}

template <class T>
DELTARULE_INLINE void store(T* to, Vec<T> value) {
    *reinterpret_cast<typename Simd<T>::Loose*>(to) = value;
}

template <class T, int... I>
DELTARULE_INLINE Vec<T> splat_lanes(T value, std::integer_sequence<int, I...>) {
    return Vec<T>{((void)I, value)...};
}

template <class T>
DELTARULE_INLINE Vec<T> splat(T value) {
    return splat_lanes<T>(value, std::make_integer_sequence<int, lanes<T>>{});
}

template <class T>
DELTARULE_INLINE Mask<T> bits(Vec<T> value) {
    return reinterpret_cast<Mask<T>&>(value);
}

template <class T>
DELTARULE_INLINE Vec<T> from_bits(Mask<T> value) {
    return reinterpret_cast<Vec<T>&>(value);
}

/// a + b and a - b modulo 2^32 or 2^64: of arguments outside a function's range nothing is known.
template <class T>
DELTARULE_INLINE Mask<T> bits_sum(Mask<T> a, Mask<T> b) {
    using Word = typename Simd<T>::Word;
    return (Mask<T>)((Word)a + (Word)b);
}
template <class T>
DELTARULE_INLINE Mask<T> bits_difference(Mask<T> a, Mask<T> b) {
    using Word = typename Simd<T>::Word;
    return (Mask<T>)((Word)a - (Word)b);
}

template <class T>
DELTARULE_INLINE Mask<T> sign_bit() {
    return bits<T>(splat<T>(T(-0.0)));
}

template <class T>
DELTARULE_INLINE Vec<T> absolute(Vec<T> x) {
    return from_bits<T>(bits<T>(x) & ~sign_bit<T>());
}

/// `magnitude` (not negative) with the sign of `x`.
template <class T>
DELTARULE_INLINE Vec<T> with_sign(Vec<T> magnitude, Vec<T> x) {
    return from_bits<T>(bits<T>(magnitude) | (bits<T>(x) & sign_bit<T>()));
}

template <class T>
DELTARULE_INLINE Vec<T> square_root(Vec<T> x) {  // masked: GCC warns of the plain form (gcc.gnu.org/PR105593)
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm512_maskz_sqrt_ps(__mmask16(-1), (__m512)x);
    else return (Vec<T>)_mm512_maskz_sqrt_pd(__mmask8(-1), (__m512d)x);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm256_sqrt_ps((__m256)x);
    else return (Vec<T>)_mm256_sqrt_pd((__m256d)x);
#elif defined(__SSE2__)
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm_sqrt_ps((__m128)x);
    else return (Vec<T>)_mm_sqrt_pd((__m128d)x);
#else
    for (int i = 0; i < lanes<T>; ++i) x[i] = T(__builtin_sqrt(double(x[i])));
    return x;
#endif
}

/// The nearest integer, of two as near the even one.
template <class T>
DELTARULE_INLINE Vec<T> nearest(Vec<T> x) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm512_maskz_roundscale_ps(__mmask16(-1), (__m512)x, 8);
    else return (Vec<T>)_mm512_maskz_roundscale_pd(__mmask8(-1), (__m512d)x, 8);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm256_round_ps((__m256)x, 8);
    else return (Vec<T>)_mm256_round_pd((__m256d)x, 8);
#elif defined(__SSE4_1__)
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm_round_ps((__m128)x, 8);
    else return (Vec<T>)_mm_round_pd((__m128d)x, 8);
#else
    for (int i = 0; i < lanes<T>; ++i)
        x[i] = sizeof(T) == 4 ? T(__builtin_rintf(float(x[i]))) : T(__builtin_rint(double(x[i])));
    return x;
#endif
}

/// The same number, held in a register: the compiler would load it again for every use.
template <class T>
DELTARULE_INLINE Vec<T> in_register(Vec<T> x) {
#if defined(__SSE2__)
    asm("" : "+x"(x));
#elif defined(__ARM_NEON) && defined(__aarch64__)
    asm("" : "+w"(x));
#endif
    return x;
}

/// `x` as a vector: a number stands in every lane.
template <class T>
DELTARULE_INLINE Vec<T> wide(Vec<T> x) {
    return x;
}
template <class T>
DELTARULE_INLINE Vec<T> wide(T x) {
    return splat<T>(x);
}

#if defined(__AVX512F__)
#define DELTARULE_FUSED(name, arm, otherwise) \
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm512_##name##_ps((__m512)a, (__m512)b, (__m512)c); \
    else return (Vec<T>)_mm512_##name##_pd((__m512d)a, (__m512d)b, (__m512d)c)
#elif defined(__FMA__)
#define DELTARULE_FUSED(name, arm, otherwise) \
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm256_##name##_ps((__m256)a, (__m256)b, (__m256)c); \
    else return (Vec<T>)_mm256_##name##_pd((__m256d)a, (__m256d)b, (__m256d)c)
#elif defined(__ARM_NEON) && defined(__aarch64__)
#define DELTARULE_FUSED(name, arm, otherwise) \
    if constexpr (sizeof(T) == 4) return (Vec<T>)arm##_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); \
    else return (Vec<T>)arm##_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b)
#else
#define DELTARULE_FUSED(name, arm, otherwise) return otherwise
#endif

template <class T>
DELTARULE_INLINE Vec<T> fused(Vec<T> a, Vec<T> b, Vec<T> c) {
    DELTARULE_FUSED(fmadd, vfmaq, a * b + c);
}

template <class T>
DELTARULE_INLINE Vec<T> fused_negative(Vec<T> a, Vec<T> b, Vec<T> c) {
    DELTARULE_FUSED(fnmadd, vfmsq, c - a * b);
}

template <class T>
DELTARULE_INLINE Vec<T> fused_below_zero(Vec<T> a, Vec<T> b, Vec<T> c) {
#if defined(__FMA__)
    DELTARULE_FUSED(fnmsub, , );
#else
    return -fused<T>(a, b, c);
#endif
}
#undef DELTARULE_FUSED

/// a b + c, rounded once where the machine can; each a vector or a number. The compiler fuses nothing by
/// itself (-ffp-contract=off): it would choose anew at every place, and in every release.
template <class T, class A, class B, class C>
DELTARULE_INLINE Vec<T> multiply_add(A a, B b, C c) {
    return fused<T>(wide<T>(a), wide<T>(b), wide<T>(c));
}

/// c - a b and -c - a b, rounded alike.
template <class T, class A, class B, class C>
DELTARULE_INLINE Vec<T> subtract_product(A a, B b, C c) {
    return fused_negative<T>(wide<T>(a), wide<T>(b), wide<T>(c));
}
template <class T, class A, class B, class C>
DELTARULE_INLINE Vec<T> subtract_both(A a, B b, C c) {
    return fused_below_zero<T>(wide<T>(a), wide<T>(b), wide<T>(c));
}

/// a b + c of single numbers, rounded alike.
template <class T>
DELTARULE_INLINE T multiply_add_numbers(T a, T b, T c) {
#if defined(__FMA__) || defined(__aarch64__)
    if constexpr (sizeof(T) == 4) return __builtin_fmaf(a, b, c);
    else return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}

template <class T, int... index>
DELTARULE_INLINE Vec<T> shuffle(Vec<T> a, Vec<T> b, std::integer_sequence<int, index...>) {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, index...);
#else
    return __builtin_shuffle(a, b, Mask<T>{index...});
#endif
}

// The index lists of the three exchanges below, lane by lane.
template <int width, int d, class S>
struct Lists;
template <int width, int d, int... I>
struct Lists<width, d, std::integer_sequence<int, I...>> {
    using even = std::integer_sequence<int, ((I & d) ? width + I - d : I)...>;
    using odd = std::integer_sequence<int, ((I & d) ? width + I : I + d)...>;
    using swapped = std::integer_sequence<int, (I ^ d)...>;
};
template <class T, int d>
using ListsOf = Lists<lanes<T>, d, std::make_integer_sequence<int, lanes<T>>>;

/// Lanes without bit d from `a`, the others from `b` moved down by d: one half of a transposition.
template <class T, int d>
DELTARULE_INLINE Vec<T> take_even(Vec<T> a, Vec<T> b) {
    return shuffle<T>(a, b, typename ListsOf<T, d>::even{});
}

template <class T, int d>
DELTARULE_INLINE Vec<T> take_odd(Vec<T> a, Vec<T> b) {
    return shuffle<T>(a, b, typename ListsOf<T, d>::odd{});
}

/// Transposes a square of `lanes` vectors in registers.
template <class T, int d = 1>
DELTARULE_INLINE void transpose(Vec<T> (&square)[lanes<T>]) {
    if constexpr (d < lanes<T>) {
        for (int i = 0; i < lanes<T>; ++i) {
            if (i & d) continue;
            Vec<T> a = square[i], b = square[i + d];
            square[i] = take_even<T, d>(a, b);
            square[i + d] = take_odd<T, d>(a, b);
        }
        transpose<T, 2 * d>(square);
    }
}

/// Lane i of the result is the sum over the lanes of `terms[i]`.
template <class T, int d = 1>
DELTARULE_INLINE Vec<T> sums(Vec<T> (&terms)[lanes<T>]) {
    if constexpr (d == lanes<T>) {
        return terms[0];
    } else {
        for (int i = 0; i < lanes<T>; i += 2 * d)
            terms[i] = take_even<T, d>(terms[i], terms[i + d]) + take_odd<T, d>(terms[i], terms[i + d]);
        return sums<T, 2 * d>(terms);
    }
}

/// The sum over the lanes, in every lane.
template <class T, int d = lanes<T> / 2>
DELTARULE_INLINE Vec<T> sum_across(Vec<T> x) {
    if constexpr (d == 0) return x;
    else return sum_across<T, d / 2>(x + shuffle<T>(x, x, typename ListsOf<T, d>::swapped{}));
}

/// The sum over the lanes that are equal modulo `period`, in every such lane.
template <class T, int period, int d = lanes<T> / 2>
DELTARULE_INLINE Vec<T> sum_pairs(Vec<T> x) {
    if constexpr (d < period) return x;
    else return sum_pairs<T, period, d / 2>(x + shuffle<T>(x, x, typename ListsOf<T, d>::swapped{}));
}

template <class T>
DELTARULE_INLINE Vec<T> larger(Vec<T> a, Vec<T> b) {
    return a > b ? a : b;
}

// One instruction where a comparison takes two; of two operands the machine returns the second one
// where one of them is NaN. Masked as in `square_root`.
#if defined(__AVX512F__)
#define DELTARULE_BOUND(name) \
    if constexpr (sizeof(T) == 4) \
        return (Vec<T>)_mm512_maskz_##name##_ps(__mmask16(-1), (__m512)splat<T>(bound), (__m512)x); \
    else return (Vec<T>)_mm512_maskz_##name##_pd(__mmask8(-1), (__m512d)splat<T>(bound), (__m512d)x)
#elif defined(__AVX2__)
#define DELTARULE_BOUND(name) \
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm256_##name##_ps((__m256)splat<T>(bound), (__m256)x); \
    else return (Vec<T>)_mm256_##name##_pd((__m256d)splat<T>(bound), (__m256d)x)
#elif defined(__SSE2__)
#define DELTARULE_BOUND(name) \
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm_##name##_ps((__m128)splat<T>(bound), (__m128)x); \
    else return (Vec<T>)_mm_##name##_pd((__m128d)splat<T>(bound), (__m128d)x)
#endif

/// `x`, or `bound` where x is smaller; NaN stays NaN.
template <class T>
DELTARULE_INLINE Vec<T> at_least(Vec<T> x, T bound) {
#if defined(DELTARULE_BOUND)
    DELTARULE_BOUND(max);
#else
    return x < splat<T>(bound) ? splat<T>(bound) : x;
#endif
}

/// `x`, or `bound` where x is larger; NaN stays NaN.
template <class T>
DELTARULE_INLINE Vec<T> at_most(Vec<T> x, T bound) {
#if defined(DELTARULE_BOUND)
    DELTARULE_BOUND(min);
#else
    return x > splat<T>(bound) ? splat<T>(bound) : x;
#endif
}
#undef DELTARULE_BOUND

/// The largest lane, in every lane.
template <class T, int d = lanes<T> / 2>
DELTARULE_INLINE Vec<T> largest_across(Vec<T> x) {
    if constexpr (d == 0) return x;
    else return largest_across<T, d / 2>(larger<T>(x, shuffle<T>(x, x, typename ListsOf<T, d>::swapped{})));
}

template <class T>
struct LaneNumbers {
    template <int... I>
    static constexpr Mask<T> make(std::integer_sequence<int, I...>) {
        return Mask<T>{I...};
    }
};

/// True in the first `count` lanes.
template <class T>
DELTARULE_INLINE Mask<T> first_lanes(int64_t count) {
    using Int = typename Simd<T>::Int;
    return LaneNumbers<T>::make(std::make_integer_sequence<int, lanes<T>>{}) < Int(count);
}

/// Bit i is set where lane i of a comparison is true.
template <class T>
DELTARULE_INLINE unsigned lane_bits(Mask<T> mask) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return unsigned(_mm512_cmplt_epi32_mask((__m512i)mask, __m512i{}));
    else return unsigned(_mm512_cmplt_epi64_mask((__m512i)mask, __m512i{}));
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return unsigned(_mm256_movemask_ps((__m256)mask));
    else return unsigned(_mm256_movemask_pd((__m256d)mask));
#elif defined(__SSE2__)
    if constexpr (sizeof(T) == 4) return unsigned(_mm_movemask_ps((__m128)mask));
    else return unsigned(_mm_movemask_pd((__m128d)mask));
#else
    unsigned found = 0;
    for (int i = 0; i < lanes<T>; ++i) found |= unsigned(mask[i] != 0) << i;
    return found;
#endif
}

/// Denormal numbers count as zero while one of these lives: they cost a hundred cycles each.
class [[maybe_unused]] FlushDenormals {
public:
#if defined(__SSE2__)
    FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }
    ~FlushDenormals() { _mm_setcsr(saved_); }

private:
    unsigned saved_;
#elif defined(__aarch64__)
    FlushDenormals() {
        asm volatile("mrs %0, fpcr" : "=r"(saved_));
        asm volatile("msr fpcr, %0" ::"r"(saved_ | (uint64_t(1) << 24)));
    }
    ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

private:
    uint64_t saved_;
#endif
};

}  // namespace deltarule::DELTARULE_ISA
