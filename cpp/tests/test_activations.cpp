#include <limits>

#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

constexpr Activation elementwise[] = {Activation::identity, Activation::logistic,   Activation::tanh,
                                      Activation::relu,     Activation::leaky_relu, Activation::sign,
                                      Activation::softplus, Activation::selu,       Activation::gelu,
                                      Activation::silu,     Activation::mish,       Activation::exp};

template <class T>
struct Found {
    std::vector<T> value, slope;
};

template <class T>
Found<T> activate(Activation kind, std::vector<T> z, bool output = false) {
    const size_t lanes = size_t(kernels<T>().lanes), count = z.size();
    z.resize((count + lanes - 1) / lanes * lanes);
    std::vector<T> slope(z.size());
    kernels<T>().activate(kind, T(0.1), z.data(), slope.data(), int64_t(z.size()), output);
    z.resize(count);
    slope.resize(count);
    return {z, slope};
}

template <class T>
void compare_values(double tolerance) {
    std::vector<T> z;
    for (double x = -30; x <= 30; x += 0.0371) z.push_back(T(x));
    for (double x : {0.0, 1e-20, -1e-20, 1e-8, -1e-8, 1e-3, -1e-3}) z.push_back(T(x));
    for (Activation kind : elementwise) {
        const Found<T> found = activate<T>(kind, z);
        for (size_t i = 0; i < z.size(); ++i) {
            const double wanted = naive::value(kind, double(z[i]), double(T(0.1)));
            // gelu and mish are products of z and a probability known to absolute precision
            const bool product = kind == Activation::gelu || kind == Activation::mish;
            const double scale = product ? std::abs(double(z[i])) : std::abs(wanted);
            CHECK_NEAR(double(found.value[i]), wanted, tolerance * scale + 1e-37);
        }
    }
}

template <class T>
void compare_slopes(double step, double tolerance) {
    for (Activation kind : elementwise)
        for (double x = -9.97; x < 10; x += 0.113) {
            if (kind == Activation::sign) continue;
            const double plus = naive::value(kind, x + step, 0.1), minus = naive::value(kind, x - step, 0.1);
            const double wanted = (plus - minus) / (2 * step);
            CHECK_NEAR(double(activate<T>(kind, {T(x)}).slope[0]), wanted,
                       tolerance * (1 + std::abs(wanted)));
        }
}

template <class T>
void compare_extremes() {
    const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    for (Activation kind : elementwise) {
        CHECK(std::isnan(activate<T>(kind, {nan}).value[0]));
        for (T z : {T(1e4), T(-1e4)}) {
            const T value = activate<T>(kind, {z}).value[0];
            const double wanted = naive::value(kind, double(z), double(T(0.1)));
            CHECK_NEAR(double(value), kind == Activation::exp && z > 0 ? double(infinity) : wanted,
                       1e-6 * std::abs(wanted) + 1e-30);
        }
    }
}

}  // namespace

TEST_EACH_ISA("activations", "float64 values agree with the C library to a few ulp") {
    compare_values<double>(1.2e-15);
}
TEST_EACH_ISA("activations", "float32 values agree with the C library to a few ulp") {
    compare_values<float>(6e-7);
}
TEST_EACH_ISA("activations", "slopes are the derivatives") {
    compare_slopes<double>(1e-5, 1e-8);
    compare_slopes<float>(1e-5, 3e-6);
}
TEST_EACH_ISA("activations", "NaN stays NaN and far arguments saturate") {
    compare_extremes<float>();
    compare_extremes<double>();
}
TEST_EACH_ISA("activations", "the rules at the kinks") {
    CHECK(activate<double>(Activation::relu, {0.0}).slope[0] == 0);
    CHECK(activate<double>(Activation::leaky_relu, {0.0}).slope[0] == 0.1);
    CHECK(activate<double>(Activation::sign, {0.0}).value[0] == 1);
    const Found<double> hidden = activate<double>(Activation::sign, {-1.5, -1.0, 0.5, 1.5});
    CHECK((hidden.slope == std::vector<double>{0, 1, 1, 0}));
    CHECK(activate<double>(Activation::sign, {1.5}, true).slope[0] == 1);
}
