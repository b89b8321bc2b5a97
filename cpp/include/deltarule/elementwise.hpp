#pragma once
#include "deltarule/simd.hpp"

/// Vector exp, expm1, log, log1p, tanh, the logistic function, the normal distribution function, and
/// cosine and sine of turns.
///
/// The largest errors, in ulp, over the float32 arguments of cpp/tests/every_float.cpp and a sample of
/// float64, under x86-64, v2 and v3 (elementwise_errors.hpp beside it holds the same table, and it and
/// test_elementwise.cpp hold the functions to that):
///
///     exp 1.1   expm1 1.3 (x <= 0)   log 0.9   log1p 1.3 (0 <= x <= 1)   tanh 2.6   erf 1.7
///     normal cdf 8   logistic 2.5   cos 2πt and sin 2πt 1.7   and of activations.hpp: softplus 2.1
///
/// NaN stays NaN, exp overflows to infinity, denormal arguments and results are zero. No function
/// branches, so the cost of a vector does not depend on its content.
namespace deltarule::DELTARULE_ISA {

/// Σ terms[i] y^i with y = x², pair by pair. A number in the type: GCC 14 looks past the end of a loop.
template <int left, class T, int n>
DELTARULE_INLINE Vec<T> fold_pairs(Vec<T> x, Vec<T> (&terms)[n]) {
    if constexpr (left == 1) return terms[0];
    else {
        x *= x;
        for (int i = 0; i < left / 2; ++i) terms[i] = multiply_add<T>(terms[2 * i + 1], x, terms[2 * i]);
        if constexpr (left % 2) terms[left / 2] = terms[left - 1];
        return fold_pairs<(left + 1) / 2, T>(x, terms);
    }
}

/// c[0] + c[1] x + … by Estrin's scheme: a third of Horner's latency.
template <class T, int n>
DELTARULE_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[n]) {
    Vec<T> terms[(n + 1) / 2];
    for (int i = 0; i < n / 2; ++i) terms[i] = multiply_add<T>(x, c[2 * i + 1], c[2 * i]);
    if constexpr (n % 2) terms[n / 2] = splat<T>(c[n - 1]);
    return fold_pairs<(n + 1) / 2, T>(x, terms);
}

template <class T>
struct Constants;

template <>
struct Constants<float> {
    static constexpr int mantissa = 23;
    static constexpr int32_t one = 0x3F800000, root_half = 0x3F3504F3;
    static constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr int32_t upper_bits = ~0xFFF;  // of a mantissa whose square is exact
    // e^x is a normal number from exp_low to exp_high
    static constexpr float exp_low = -87.33654f, exp_high = 88.72283f;
    static constexpr float power_end = 88.0f;  // as far 2^n of the reduction is a normal number
    // (e^r - 1 - r) / r^2 = 1/2 + r/6 + … on |r| <= ln2/2
    static constexpr float exp_terms[] = {1.f / 2, 1.f / 6, 1.f / 24, 1.f / 120, 1.f / 720, 1.f / 5040};
    // log((1+s)/(1-s)) = 2s + s R(s^2); coefficients of FreeBSD's e_logf.c
    static constexpr float log_terms[] = {0.66666662693f, 0.40000972152f, 0.28498786688f, 0.24279078841f};
    // erfc(a) e^(a²) (a + centre) in (a - centre) / (a + centre), Chebyshev interpolation
    static constexpr float erfc_centre = 2.0f;
    static constexpr float erfc_terms[] = {1.02158271f,      -0.687160625f,  0.279471892f,   -0.0364434982f,
                                           -0.0215066218f,   0.00648746614f, 0.00306769409f, -0.000862080043f,
                                           -0.000609438173f, 7.35287233e-5f, 8.85768293e-5f};
    // erf(x) / x - 1 in x^2 on |x| <= 1, Chebyshev interpolation
    static constexpr float erf_terms[] = {0.128379166f,   -0.376126267f,    0.112835947f,    -0.0268542120f,
                                          0.00518908742f, -0.000801686429f, 0.0000787587506f};
    // sin(2πr) / r - 2π as it is stored, and (cos(2πr) - 1) / r², in r² on |r| <= 1/8, Chebyshev
    // interpolation
    static constexpr float turn = 6.28318548f;
    static constexpr float sine_terms[] = {-1.94212200e-7f, -41.3416626f, 81.5925429f, -75.4016127f};
    static constexpr float cosine_terms[] = {-19.7392088f, 64.9393690f, -85.4488201f, 59.4241060f};
};

template <>
struct Constants<double> {
    static constexpr int mantissa = 52;
    static constexpr int64_t one = 0x3FF0000000000000, root_half = 0x3FE6A09E667F3BCD;
    static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    static constexpr int64_t upper_bits = ~0x7FFFFFF;
    static constexpr double exp_low = -708.396418532264, exp_high = 709.782712893384;
    static constexpr double power_end = 709.0;
    static constexpr double exp_terms[] = {1. / 2,       1. / 6,        1. / 24,        1. / 120,
                                           1. / 720,     1. / 5040,     1. / 40320,     1. / 362880,
                                           1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};
    // coefficients of FreeBSD's e_log.c
    static constexpr double log_terms[] = {6.666666666666735130e-01, 3.999999999940941908e-01,
                                           2.857142874366239149e-01, 2.222219843214978396e-01,
                                           1.818357216161805012e-01, 1.531383769920937332e-01,
                                           1.479819860511658591e-01};
    static constexpr double erfc_centre = 3.0;
    static constexpr double erfc_terms[] = {
        1.0740069070883397,     -0.88339445316988365,    0.59022835710410849,    -0.31046726190056666,
        0.11952776128697843,    -0.026827234624480803,   -0.0012124166215120001, 0.0030340620011993256,
        -0.0005483097452727144, -0.00027677784823098738, 0.00010756178262878857, 3.0398190676993849e-5,
        -1.747160616058306e-5,  -4.7493915231842139e-6,  2.7678120461665785e-6,  9.9943892311741662e-7,
        -4.1176080655036675e-7, -2.3454795972193313e-7,  5.0014023465528516e-8,  5.1669135812424779e-8,
        -3.591722185111055e-9,  -8.8882791605576268e-9,  1.1227138053639721e-11, 8.4486708149935739e-10};
    static constexpr double erf_terms[] = {
        0.128379167095512567,   -0.376126389031835404,    0.112837916709450063,    -0.0268661706432377704,
        0.00522397760711642273, -0.000854832597538969208, 0.000120552949048397079, -0.0000149247369074196603,
        1.64474247033173624e-6, -1.62084838018717059e-7,  1.37200645467776856e-8,  -7.79589882700214224e-10};
    static constexpr double turn = 6.283185307179586232;
    static constexpr double sine_terms[] = {
        2.251550647758966793e-16, -41.34170224039963621, 81.60524927594803521, -76.70585970427455065,
        42.05868502016089405,     -15.09380420998711351, 3.780868959302295518};
    static constexpr double cosine_terms[] = {
        -19.73920880217871723, 64.93939402266824274, -85.45681720664380425, 60.24464135270200893,
        -26.42625327585472136, 7.903206911569678429, -1.699034394066063636};
};

/// e^x = 2^n (1 + p): `tail` is p, `shifted` holds n in its low bits. Meaningless outside
/// exp_low … exp_high.
template <class T>
struct Reduced {
    Vec<T> tail, shifted;
};

/// Of e^x or, without a negation, of e^-x.
template <class T, bool negative = false>
DELTARULE_INLINE Reduced<T> reduce(Vec<T> x) {
    using C = Constants<T>;
    constexpr T per_power = T(1.4426950408889634074);
    Vec<T> shifted = multiply_add<T>(x, negative ? -per_power : per_power, C::magic);
    Vec<T> n = shifted - C::magic;
    Vec<T> r = negative ? subtract_both<T>(n, C::ln2_high, x) : subtract_product<T>(n, C::ln2_high, x);
    r = subtract_product<T>(n, C::ln2_low, r);
    return {multiply_add<T>(r * r, polynomial<T>(r, C::exp_terms), r), shifted};
}

/// The low bits of `shifted` where the exponent of a number is.
template <class T>
DELTARULE_INLINE Mask<T> to_exponent(Vec<T> shifted) {
    return bits<T>(shifted) << Constants<T>::mantissa;
}

/// e^x
template <class T>
DELTARULE_INLINE Vec<T> exponential(Vec<T> x) {
    using C = Constants<T>;
    Reduced<T> e = reduce<T>(x);
    // Added to the exponent: 2^n alone may lie outside its range where 2^n (1 + p) does not.
    Vec<T> found = from_bits<T>(bits_sum<T>(bits<T>(e.tail + T(1)), to_exponent<T>(e.shifted)));
    found = x <= splat<T>(C::exp_high) ? found : x + T(__builtin_inf());  // so NaN passes
    return x < splat<T>(C::exp_low) ? splat<T>(T(0)) : found;
}

/// 1 / (1 + e^-z) = 1 / (2^n p + (2^n + 1)), where 2^n is there before p is.
template <class T>
DELTARULE_INLINE Vec<T> logistic(Vec<T> z) {
    using C = Constants<T>;
    z = at_most<T>(at_least<T>(z, -C::power_end), C::power_end);
    Reduced<T> e = reduce<T, true>(z);
    Vec<T> power = from_bits<T>(bits_sum<T>(to_exponent<T>(e.shifted), Mask<T>{} + C::one));
    return T(1) / multiply_add<T>(power, e.tail, power + T(1));
}

/// e^x - 1 for x <= 0
template <class T>
DELTARULE_INLINE Vec<T> exponential_minus_one(Vec<T> x) {
    using C = Constants<T>;
    Reduced<T> e = reduce<T>(at_least<T>(x, C::exp_low));
    Vec<T> power = from_bits<T>(bits_sum<T>(to_exponent<T>(e.shifted), Mask<T>{} + C::one));
    return multiply_add<T>(power, e.tail, power - T(1));
}

/// The natural logarithm; log 0 = -inf, log inf = inf, NaN for negative x.
template <class T>
DELTARULE_INLINE Vec<T> logarithm(Vec<T> x) {
    using C = Constants<T>;
    Mask<T> k = bits_difference<T>(bits<T>(x), Mask<T>{} + C::root_half) >> C::mantissa;
    Vec<T> f = from_bits<T>(bits_difference<T>(bits<T>(x), k << C::mantissa)) - T(1);
    Vec<T> n = from_bits<T>(k + bits<T>(splat<T>(C::magic))) - C::magic;
    Vec<T> s = f / (f + T(2)), square = s * s;
    Vec<T> half = f * f * T(0.5);
    Vec<T> rest = s * multiply_add<T>(square, polynomial<T>(square, C::log_terms), half);
    Vec<T> found = multiply_add<T>(n, C::ln2_high, f - (half - multiply_add<T>(n, C::ln2_low, rest)));
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

/// e^(-x²/2), with the square in two parts: rounded to one, it would be wrong by up to x² / 4 ulp.
template <class T>
DELTARULE_INLINE Vec<T> bell(Vec<T> x) {
    Vec<T> upper = from_bits<T>(bits<T>(x) & Constants<T>::upper_bits);
    Vec<T> square = x * x, rest = multiply_add<T>(x - upper, x + upper, upper * upper - square);
    Vec<T> e = exponential<T>(square * T(-0.5));
    return e * subtract_product<T>(rest, T(0.5), T(1));  // e times the rest may be denormal
}

/// erfc(a) e^(a²) for a >= 0
template <class T>
DELTARULE_INLINE Vec<T> scaled_erfc(Vec<T> a) {
    using C = Constants<T>;
    Vec<T> inverse = T(1) / (a + C::erfc_centre);
    return polynomial<T>((a - C::erfc_centre) * inverse, C::erfc_terms) * inverse;
}

/// erf(x)
template <class T>
DELTARULE_INLINE Vec<T> error_function(Vec<T> x) {
    const Vec<T> one = splat<T>(T(1));
    Vec<T> a = absolute<T>(x);
    a = a > splat<T>(T(30)) ? splat<T>(T(30)) : a;
    Vec<T> far = subtract_product<T>(bell<T>(a * T(1.4142135623730950488)), scaled_erfc<T>(a), one);
    Vec<T> square = x * x;
    Vec<T> near = x * (polynomial<T>(square, Constants<T>::erf_terms) + T(1));
    return a < one ? near : with_sign<T>(far, x);
}

/// Φ(x) = (1 + erf(x / √2)) / 2 and its density φ(x).
template <class T>
struct Normal {
    Vec<T> cdf, density;
};

template <class T>
DELTARULE_INLINE Normal<T> normal(Vec<T> x) {
    const T far = sizeof(T) == 4 ? T(20) : T(40);  // both are 0 or 1 from here on
    Vec<T> a = absolute<T>(x);
    a = a > splat<T>(far) ? splat<T>(far) : a;
    Vec<T> e = bell<T>(a);
    Vec<T> tail = e * scaled_erfc<T>(a * T(0.70710678118654752440)) * T(0.5);
    return {x < splat<T>(T(0)) ? tail : T(1) - tail, e * T(0.39894228040143267794)};
}

/// cos 2πt and sin 2πt. In turns every reduction is exact: t less its nearest integer, and of that the
/// nearest quarter, so that no argument is too large.
template <class T>
struct Turned {
    Vec<T> cosine, sine;
};

template <class T>
DELTARULE_INLINE Turned<T> turned(Vec<T> t) {
    using C = Constants<T>;
    constexpr int to_sign = 8 * int(sizeof(T)) - 2;  // from the second bit
    const Vec<T> within = t - nearest<T>(t);
    const Vec<T> shifted = multiply_add<T>(within, T(4), C::magic);
    const Vec<T> r = subtract_product<T>(shifted - C::magic, T(0.25), within), square = r * r;
    const Vec<T> sine = multiply_add<T>(r, C::turn, r * polynomial<T>(square, C::sine_terms));
    const Vec<T> cosine = multiply_add<T>(square, polynomial<T>(square, C::cosine_terms), T(1));
    const Mask<T> quarter = bits<T>(shifted), turns = (quarter & 1) != 0;
    const auto signs = [](Mask<T> of) { return (of & 2) << to_sign; };
    return {from_bits<T>(bits<T>(turns ? sine : cosine) ^ signs(quarter + 1)),
            from_bits<T>(bits<T>(turns ? cosine : sine) ^ signs(quarter))};
}

}  // namespace deltarule::DELTARULE_ISA
