#pragma once
#include <cmath>
#include <limits>

#include "elementwise_table.hpp"

/// What elementwise.hpp states of each function, and the truth that it is held to.
namespace errors {

using deltarule::Elementwise;

struct Stated {
    const char* name;
    Elementwise function;
    double ulp;        ///< the largest error in float32 and float64, under every instruction set
    double low, high;  ///< the arguments it is stated for
};

constexpr double everywhere = std::numeric_limits<double>::infinity();

constexpr Stated stated[] = {
    {"exp", Elementwise::exp, 1.1, -everywhere, everywhere},
    {"expm1", Elementwise::expm1, 1.3, -everywhere, 0},
    {"log", Elementwise::log, 0.9, 0, everywhere},
    {"log1p", Elementwise::log1p, 1.3, 0, 1},
    {"tanh", Elementwise::tanh, 2.6, -everywhere, everywhere},
    {"erf", Elementwise::erf, 1.7, -everywhere, everywhere},
    {"normal cdf", Elementwise::normal_cdf, 8, -everywhere, everywhere},
    {"logistic", Elementwise::logistic, 2.5, -everywhere, everywhere},
    {"softplus", Elementwise::softplus, 2.1, -everywhere, everywhere},
    {"cos 2πt", Elementwise::cosine, 1.7, -everywhere, everywhere},
    {"sin 2πt", Elementwise::sine, 1.7, -everywhere, everywhere},
};

/// cos 2πt, and with a quarter less sin 2πt: the quarter of a turn that is nearest is taken away exactly.
template <class L>
L turned(L t, int quarters) {
    t -= std::nearbyint(t);
    const L nearest = std::nearbyint(4 * t), angle = 8 * std::atan(L(1)) * (t - nearest / 4);
    switch ((int(std::isfinite(nearest) ? nearest : 0) + quarters + 8) % 4) {
        case 0: return std::cos(angle);
        case 1: return -std::sin(angle);
        case 2: return -std::cos(angle);
        default: return std::sin(angle);
    }
}

/// The function in the C library's arithmetic of type L, which is wider than what is judged.
template <class L>
L truth(Elementwise function, L x) {
    switch (function) {
        case Elementwise::exp: return std::exp(x);
        case Elementwise::expm1: return std::expm1(x);
        case Elementwise::log: return std::log(x);
        case Elementwise::log1p: return std::log1p(x);
        case Elementwise::tanh: return std::tanh(x);
        case Elementwise::erf: return std::erf(x);
        case Elementwise::normal_cdf: return std::erfc(-x / std::sqrt(L(2))) / 2;
        case Elementwise::logistic: return 1 / (1 + std::exp(-x));
        case Elementwise::cosine: return turned(x, 0);
        case Elementwise::sine: return turned(x, -1);
        default: return (x > 0 ? x : 0) + std::log1p(std::exp(-std::abs(x)));
    }
}

/// Distance in units of the last place of `wanted`; a result below the normal numbers may be zero.
template <class T, class L>
double ulps(T got, L wanted) {
    using Limits = std::numeric_limits<T>;
    if (got == T(wanted) || (std::isnan(got) && std::isnan(wanted))) return 0;
    if (!std::isfinite(got) || std::isnan(wanted)) return std::numeric_limits<double>::infinity();
    L size = std::abs(wanted);
    if (size < L(Limits::min())) {
        if (got == 0) return 0;
        size = L(Limits::min());
    }
    int exponent;
    std::frexp(size, &exponent);
    return double(std::abs(L(got) - wanted) / std::ldexp(L(1), exponent - Limits::digits));
}

}  // namespace errors
