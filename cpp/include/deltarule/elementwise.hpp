#pragma once
#include "deltarule/simd.hpp"

/// Vector exp, expm1, log, log1p, tanh and the normal distribution function.
///
/// Stated errors, float32 and float64 alike: exp, expm1, log, log1p ≤ 2 ulp, tanh ≤ 3 ulp,
/// normal_cdf ≤ 4 ulp for |x| ≤ 3 and 1e-16 (6e-8) absolute beyond. NaN stays NaN, exp overflows to
/// infinity, and what would be denormal is zero. No function branches, so the cost of a vector does
/// not depend on its content.
namespace deltarule::DELTARULE_ISA {

/// c[0] + c[1] x + … by Estrin's scheme: a third of Horner's latency.
template <class T, int n>
DELTARULE_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[n]) {
    Vec<T> terms[(n + 1) / 2];
    for (int i = 0; i < n / 2; ++i) terms[i] = c[2 * i] + c[2 * i + 1] * x;
    if (n % 2) terms[n / 2] = splat<T>(c[n - 1]);
    for (int left = (n + 1) / 2; left > 1; left = (left + 1) / 2) {
        x *= x;
        for (int i = 0; i < left / 2; ++i) terms[i] = terms[2 * i] + terms[2 * i + 1] * x;
        if (left % 2) terms[left / 2] = terms[left - 1];
    }
    return terms[0];
}

template <class T>
struct Constants;

template <>
struct Constants<float> {
    static constexpr int mantissa = 23;
    static constexpr int32_t one = 0x3F800000, root_half = 0x3F3504F3;
    static constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr float exp_low = -87.3f, exp_high = 89.0f;
    // (e^r - 1 - r) / r^2 = 1/2 + r/6 + … on |r| <= ln2/2
    static constexpr float exp_terms[] = {1.f / 2, 1.f / 6, 1.f / 24, 1.f / 120, 1.f / 720, 1.f / 5040};
    // log((1+s)/(1-s)) = 2s + s R(s^2); coefficients of FreeBSD's e_logf.c
    static constexpr float log_terms[] = {0.66666662693f, 0.40000972152f, 0.28498786688f, 0.24279078841f};
    // erfcx(x) (1 + 2x) in t = (x - k) / (x + k), Chebyshev interpolation
    static constexpr float erfc_centre = 2.5f;
    static constexpr float erfc_terms[] = {
        1.264838051e+00f, -1.223569018e-01f, -9.901786796e-02f, 1.576368841e-01f, -1.030211311e-01f,
        3.270399601e-02f, 1.087629135e-03f,  -4.215244811e-03f, 3.030190034e-04f, 4.209658019e-04f};
};

template <>
struct Constants<double> {
    static constexpr int mantissa = 52;
    static constexpr int64_t one = 0x3FF0000000000000, root_half = 0x3FE6A09E667F3BCD;
    static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    static constexpr double exp_low = -708.4, exp_high = 710.0;
    static constexpr double exp_terms[] = {1. / 2,       1. / 6,        1. / 24,        1. / 120,
                                           1. / 720,     1. / 5040,     1. / 40320,     1. / 362880,
                                           1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};
    // coefficients of FreeBSD's e_log.c
    static constexpr double log_terms[] = {6.666666666666735130e-01, 3.999999999940941908e-01,
                                           2.857142874366239149e-01, 2.222219843214978396e-01,
                                           1.818357216161805012e-01, 1.531383769920937332e-01,
                                           1.479819860511658591e-01};
    static constexpr double erfc_centre = 3.75;
    static constexpr double erfc_terms[] = {
        1.2375126308378275,     -0.14024059858554522,    0.0035854154854663067,   0.08227673848999159,
        -0.10880393014193915,   0.09230432116435616,     -0.058693398584491845,   0.028362277371370044,
        -0.00974657962081509,   0.0017556261692276722,   0.00029371408777227685,  -0.0002901553656394713,
        5.164737123871838e-05,  2.238759272534769e-05,   -1.143961526007595e-05,  -9.79297529099823e-07,
        1.7438577411359181e-06, -5.0816911811698186e-08, -2.4996538037405243e-07, 1.8778501156468795e-08,
        3.256499083798513e-08,  -1.952790162974837e-09,  -2.7293941332533855e-09};
};

/// e^x = 2^n (1 + p): `tail` is p, `shifted` holds n in its low bits.
template <class T>
struct Reduced {
    Vec<T> tail, shifted;
};

template <class T>
DELTARULE_INLINE Reduced<T> reduce(Vec<T> x) {
    using C = Constants<T>;
    x = x > C::exp_high ? splat<T>(C::exp_high) : x;  // written so that NaN passes
    x = x < C::exp_low ? splat<T>(C::exp_low) : x;
    Vec<T> shifted = x * T(1.4426950408889634074) + C::magic;
    Vec<T> n = shifted - C::magic;
    Vec<T> r = (x - n * C::ln2_high) - n * C::ln2_low;
    return {r + r * r * polynomial<T>(r, C::exp_terms), shifted};
}

/// 2^(n + offset) from the low bits of `shifted`.
template <class T>
DELTARULE_INLINE Vec<T> power_of_two(Vec<T> shifted, int offset) {
    using C = Constants<T>;
    using Int = typename Simd<T>::Int;
    Mask<T> exponent = (bits<T>(shifted) << C::mantissa) + (C::one + (Int(offset) << C::mantissa));
    return from_bits<T>(exponent);
}

/// e^x
template <class T>
DELTARULE_INLINE Vec<T> exponential(Vec<T> x) {
    Reduced<T> e = reduce<T>(x);
    Vec<T> half = power_of_two<T>(e.shifted, -1);  // 2^n itself may exceed the exponent's range
    return (half + half * e.tail) * T(2);
}

/// e^x - 1, for x <= 88 (float32) or 709 (float64)
template <class T>
DELTARULE_INLINE Vec<T> exponential_minus_one(Vec<T> x) {
    Reduced<T> e = reduce<T>(x);
    Vec<T> power = power_of_two<T>(e.shifted, 0);
    return power * e.tail + (power - T(1));
}

/// The natural logarithm; log 0 = -inf, log inf = inf, NaN for negative x.
template <class T>
DELTARULE_INLINE Vec<T> logarithm(Vec<T> x) {
    using C = Constants<T>;
    Mask<T> k = (bits<T>(x) - C::root_half) >> C::mantissa;
    Vec<T> f = from_bits<T>(bits<T>(x) - (k << C::mantissa)) - T(1);
    Vec<T> n = from_bits<T>(k + bits<T>(splat<T>(C::magic))) - C::magic;
    Vec<T> s = f / (f + T(2)), square = s * s;
    Vec<T> half = f * f * T(0.5);
    Vec<T> rest = s * (half + square * polynomial<T>(square, C::log_terms));
    Vec<T> found = n * C::ln2_high - ((half - (rest + n * C::ln2_low)) - f);
    const T infinity = T(__builtin_inf());
    found = x == splat<T>(infinity) ? x : found;
    found = x == splat<T>(T(0)) ? splat<T>(-infinity) : found;
    return x >= splat<T>(T(0)) ? found : splat<T>(T(__builtin_nan("")));
}

/// log(1 + u) for 0 <= u <= 1
template <class T>
DELTARULE_INLINE Vec<T> logarithm_of_one_plus(Vec<T> u) {
    Vec<T> sum = u + T(1);
    return logarithm<T>(sum) + (u - (sum - T(1))) / sum;
}

template <class T>
DELTARULE_INLINE Vec<T> hyperbolic_tangent(Vec<T> x) {
    Vec<T> e = exponential_minus_one<T>(absolute<T>(x) * T(-2));
    return with_sign<T>(-e / (e + T(2)), x);
}

/// Φ(x) = (1 + erf(x / √2)) / 2 and its density φ(x).
template <class T>
struct Normal {
    Vec<T> cdf, density;
};

template <class T>
DELTARULE_INLINE Normal<T> normal(Vec<T> x) {
    using C = Constants<T>;
    Vec<T> e = exponential<T>(x * x * T(-0.5));
    Vec<T> a = absolute<T>(x) * T(0.70710678118654752440);
    Vec<T> t = (a - C::erfc_centre) / (a + C::erfc_centre);
    Vec<T> scaled = polynomial<T>(t, C::erfc_terms) / (a + a + T(1));
    Vec<T> tail = e * scaled * T(0.5);
    return {x < splat<T>(T(0)) ? tail : T(1) - tail, e * T(0.39894228040143267794)};
}

}  // namespace deltarule::DELTARULE_ISA
