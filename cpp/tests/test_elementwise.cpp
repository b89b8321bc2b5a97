#include <cstring>
#include <string>
#include <type_traits>

#include "check.hpp"
#include "deltarule/kernels.hpp"
#include "elementwise_errors.hpp"

using namespace deltarule;

namespace {

template <class T>
std::vector<T> apply(Elementwise function, std::vector<T> x) {
    const size_t lanes = size_t(kernels<T>().lanes), count = x.size();
    x.resize((count + lanes - 1) / lanes * lanes);
    elementwise().of(function, T())(x.data(), int64_t(x.size()));
    x.resize(count);
    return x;
}

/// Every binade with its ends and numbers between, densely where functions bend, and the neighbours
/// of the arguments at which the functions are put together or leave the range.
template <class T>
std::vector<T> arguments() {
    using Limits = std::numeric_limits<T>;
    constexpr bool wide = sizeof(T) == 8;
    std::vector<T> all = {T(0), T(-0.0), Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()};
    uint64_t state = 1;
    auto fraction = [&] {  // of [0, 1)
        state = state * 6364136223846793005 + 1442695040888963407;
        return double(state >> 11) * 0x1p-53;
    };
    auto both = [&](T x) { all.insert(all.end(), {x, -x}); };
    for (int e = Limits::min_exponent - 1; e < Limits::max_exponent; ++e) {
        const T power = std::ldexp(T(1), e);
        both(power);
        both(std::nextafter(power * 2, power));
        for (int i = 0; i < (std::abs(e) < 12 ? 2000 : wide ? 8 : 64); ++i) both(power * T(1 + fraction()));
    }
    for (int i = 0; i < 40'000; ++i) both(T(110 * fraction()));
    for (double at : {std::log(double(Limits::max())), -std::log(double(Limits::min())), 0.5, 1.0,
                      std::sqrt(0.5), 20.0, 30.0, 40.0}) {
        T below = T(at), above = T(at);
        for (int i = 0; i < 300; ++i) {
            both(below = std::nextafter(below, T(0)));
            both(above = std::nextafter(above, Limits::max()));
        }
    }
    return all;
}

template <class T>
void check_errors() {
    // Twice as many digits in float32; in float64 what the machine's long double has.
    using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
    if (std::numeric_limits<Wide>::digits <= std::numeric_limits<T>::digits) return;
    const std::vector<T> all = arguments<T>();
    for (const auto& f : errors::stated) {
        std::vector<T> x;
        for (T value : all)
            if (!(double(value) < f.low) && !(double(value) > f.high)) x.push_back(value);
        const std::vector<T> got = apply<T>(f.function, x);
        double worst = 0;
        T at = 0;
        for (size_t i = 0; i < x.size(); ++i) {
            const double error = errors::ulps(got[i], errors::truth(f.function, Wide(x[i])));
            if (error > worst) worst = error, at = x[i];
        }
        if (worst > f.ulp)
            check::fail(__FILE__, __LINE__,
                        std::string(f.name) + " in " + std::to_string(8 * sizeof(T)) + " bits: off by " +
                            std::to_string(worst) + " ulp at " + std::to_string(at));
        // A statement that is far too modest is no measurement.
        CHECK(sizeof(T) == 8 || worst > f.ulp / 2);
    }
}

template <class T>
void check_denormals() {
    using Limits = std::numeric_limits<T>;
    for (const auto& f : errors::stated)
        for (T tiny : {Limits::denorm_min(), Limits::min() / 2}) {
            const auto found = apply<T>(f.function, {tiny, T(0)});
            CHECK(std::memcmp(&found[0], &found[1], sizeof(T)) == 0);
        }
}

}  // namespace

TEST_EACH_ISA("elementwise", "float32 errors are at most those stated") { check_errors<float>(); }
TEST_EACH_ISA("elementwise", "float64 errors are at most those stated") { check_errors<double>(); }
TEST_EACH_ISA("elementwise", "a denormal argument is zero") {
    check_denormals<float>();
    check_denormals<double>();
}
TEST("elementwise", "an error is seen") {
    CHECK(errors::ulps(1.0f, 1.0) == 0);
    CHECK(errors::ulps(std::nextafter(1.0f, 2.0f), 1.0) == 1);
    CHECK(errors::ulps(std::nextafter(1.0f, 0.0f), 1.0) == 0.5);
    CHECK(std::isinf(errors::ulps(std::numeric_limits<float>::infinity(), 1e38)));
    CHECK(std::isinf(errors::ulps(std::numeric_limits<float>::quiet_NaN(), 1.0)));
    CHECK(errors::ulps(0.0f, 1e-39) == 0);
    CHECK(errors::ulps(0.0f, 1.2e-38) > 1e6);
}
