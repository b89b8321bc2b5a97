#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// Widths and rows around the sizes of vectors, tiles, strips and chunks.
template <class T>
void compare_predictions(double tolerance) {
    for (int64_t units : {1, 2, 7, 8, 9, 16, 17, 33, 50})
        for (int64_t rows : {1, 2, 15, 16, 17, 47, 49, 97}) {
            const naive::Problem problem({units, 51 - units, units}, Activation::identity,
                                         Activation::identity, Loss::squared_error, rows);
            const naive::Typed<T> typed(problem);
            std::vector<T> found(size_t(rows * units));
            naive::open(problem, typed).predict(typed.samples, found.data());
            for (int64_t row = 0; row < rows; ++row) {
                const auto wanted =
                    naive::forward(problem.layers, problem.vector, &problem.X[size_t(row * units)]).a;
                for (size_t k = 0; k < size_t(units); ++k)
                    CHECK_NEAR(double(found[size_t(row * units) + k]), wanted[k], tolerance);
            }
        }
}

}  // namespace

TEST_EACH_ISA("tile", "products of all shapes agree with plain loops") {
    compare_predictions<double>(1e-13);
    compare_predictions<float>(1e-4);
}

TEST_EACH_ISA("tile", "a batch of several chunks has the gradient of its rows") {
    const naive::Problem problem({3, 2}, Activation::tanh, Activation::identity, Loss::squared_error, 2100);
    const naive::Typed<double> typed(problem);
    Session<double> session = naive::open(problem, typed);
    std::vector<double> gradient(size_t(session.size())), wanted(gradient.size());
    session.loss(typed.samples, gradient.data());
    for (int64_t row = 0; row < problem.rows; ++row) {
        const double* x = &problem.X[size_t(row * 3)];
        const auto a = naive::forward(problem.layers, problem.vector, x).a;
        for (size_t k = 0; k < 2; ++k) {
            const double delta = problem.weight[size_t(row)] * (a[k] - problem.D[size_t(row) * 2 + k]);
            for (size_t i = 0; i < 4; ++i) wanted[i * 2 + k] += delta * (i < 3 ? x[i] : 1);
        }
    }
    for (size_t i = 0; i < wanted.size(); ++i) CHECK_NEAR(gradient[i], wanted[i], 1e-10);
    // one step over all rows, in chunks, moves along it
    const auto after = naive::run(session, 1, problem.rows);
    for (size_t i = 0; i < wanted.size(); ++i)
        CHECK_NEAR(after[i], problem.vector[i] - 0.05 * wanted[i] / double(problem.rows), 1e-13);
}
