#include <limits>

#include "check.hpp"
#include "naive_kinds.hpp"

using namespace deltarule;

namespace {

/// Heads of every loss, with an activation of its own each.
std::vector<HeadSettings> all_heads() {
    return {{0, 2, Loss::squared_error, {0}, 1, Activation::logistic, 0, {0.5, 2}},
            {2, 3, Loss::absolute_error, {0}, 0.5, Activation::identity, 0, {1.5, 0.25}},
            {3, 5, Loss::huber, {0.4}, 2, Activation::leaky_relu, 0.1},
            {5, 8, Loss::log_loss, {0}, 1.5, Activation::softmax, 0, {1, 0, 3}},
            {8, 10, Loss::log_loss, {0}, 0.25, Activation::logistic, 0},
            {10, 13, Loss::poisson, {0}, 0.1, Activation::exp, 0},
            {13, 14, Loss::perceptron, {0}, 1, Activation::sign, 0},
            {14, 16, Loss::quantile, {0.3}, 1, Activation::tanh, 0},
            {16, 22, Loss::quantile, {0.1, 0.5, 0.9}, 3, Activation::ascending, 3},
            {22, 24, Loss::quantile, {0.25, 0.75}, 1, Activation::ascending, 0}};
}

naive::Kinds problem_of(int64_t rows) {
    std::vector<Layer> layers{{4, 11, Activation::tanh, 0, true, 0, 0, 0},
                              {11, 24, Activation::identity, 0, true, 0, 0, 0}};
    naive::Kinds problem(layers, all_heads(), rows);
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t k = 10; k < 14; ++k) {
            double& target = problem.D[size_t(i * 24 + k)];
            target = k < 13 ? std::floor(std::abs(2 * target)) : target > 0 ? 1 : -1;
        }
    return problem;
}

template <class T>
struct Found {
    double loss;
    std::vector<T> gradient, predictions;
};

template <class T>
Found<T> found(const naive::Kinds& problem) {
    const naive::TypedKinds<T> typed(problem);
    Session<T> session = naive::open(problem, typed);
    Found<T> to{0, std::vector<T>(typed.vector.size()), std::vector<T>(typed.D.size())};
    to.loss = session.loss(typed.samples, to.gradient.data());
    session.predict(typed.samples, to.predictions.data());
    CHECK_NEAR(session.loss(typed.samples), to.loss, 1e-4 * std::abs(to.loss));
    return to;
}

/// The columns of one head as a network of its own; rows without a target weigh nothing.
naive::Kinds alone(const naive::Kinds& of, const HeadSettings& head) {
    const int64_t count = head.end - head.begin;
    HeadSettings own = head;
    own.begin = 0;
    own.end = count;
    std::vector<Layer> layers = of.layers;
    layers.back().units = count;
    naive::Kinds one(layers, {own}, of.rows);
    one.X = of.X;
    const size_t hidden = 5 * 11;
    std::copy_n(of.vector.begin(), hidden, one.vector.begin());
    for (size_t i = 0; i < 12; ++i)
        for (size_t k = 0; k < size_t(count); ++k)
            one.vector[hidden + i * size_t(count) + k] = of.vector[hidden + i * 24 + size_t(head.begin) + k];
    for (size_t i = 0; i < size_t(of.rows); ++i)
        for (size_t k = 0; k < size_t(count); ++k) {
            const double target = of.D[i * 24 + size_t(head.begin) + k];
            if (std::isnan(target)) one.weight[i] = 0;
            one.D[i * size_t(count) + k] = target;
        }
    for (size_t i = 0; i < size_t(of.rows); ++i)
        if (one.weight[i] == 0)
            for (size_t k = 0; k < size_t(count); ++k) one.D[i * size_t(count) + k] = 1;
    return one;
}

/// All heads at once against each of them in a network of its own.
template <class T>
void check_heads(const naive::Kinds& problem, double tolerance) {
    const Found<T> all = found<T>(problem);
    const size_t hidden = 5 * 11;
    double loss = 0;
    naive::Numbers below(hidden, 0);
    for (const HeadSettings& head : problem.heads) {
        const Found<T> one = found<T>(alone(problem, head));
        const auto count = size_t(head.end - head.begin), begin = size_t(head.begin);
        loss += one.loss;
        for (size_t i = 0; i < hidden; ++i) below[i] += double(one.gradient[i]);
        for (size_t i = 0; i < 12; ++i)
            for (size_t k = 0; k < count; ++k)
                CHECK_NEAR(double(all.gradient[hidden + i * 24 + begin + k]),
                           double(one.gradient[hidden + i * count + k]), tolerance);
        for (size_t i = 0; i < size_t(problem.rows); ++i)
            for (size_t k = 0; k < count; ++k)
                CHECK_NEAR(double(all.predictions[i * 24 + begin + k]),
                           double(one.predictions[i * count + k]), tolerance);
    }
    CHECK_NEAR(all.loss, loss, 10 * tolerance);
    for (size_t i = 0; i < hidden; ++i) CHECK_NEAR(double(all.gradient[i]), below[i], 10 * tolerance);
}

}  // namespace

TEST_EACH_ISA("heads", "several heads do what each does in a network of its own") {
    for (int64_t rows : {1, 7, 61}) {
        check_heads<double>(problem_of(rows), 1e-11);
        check_heads<float>(problem_of(rows), 2e-3);
    }
}

TEST_EACH_ISA("heads",
              "a head whose target is NaN in a column says nothing of the row, an infinite one does") {
    naive::Kinds problem = problem_of(40);
    for (size_t i = 0; i < 40; ++i) {
        const HeadSettings& head = problem.heads[i % 10];
        problem.D[i * 24 + size_t(head.begin) + i % size_t(head.end - head.begin)] = std::nan("");
    }
    check_heads<double>(problem, 1e-11);
    check_heads<float>(problem, 2e-3);
    CHECK(std::isfinite(found<double>(problem).loss));
    problem.D[2] = std::numeric_limits<double>::infinity();
    CHECK(!std::isfinite(found<double>(problem).loss));
    naive::Kinds one = alone(problem, problem.heads[0]);
    one.D[0] = std::nan("");
    CHECK(std::isnan(found<double>(one).loss));
}

TEST_EACH_ISA("heads", "loss and gradient are those of plain loops") {
    const naive::Kinds problem = problem_of(9);
    const Found<double> here = found<double>(problem);
    CHECK_NEAR(here.loss, problem.loss(problem.vector), 1e-10);
    for (size_t i = 0; i < problem.vector.size(); ++i) {
        if (i >= 55 && (i - 55) % 24 == 13) continue;  // behind the perceptron's sign
        naive::Numbers up = problem.vector, down = up;
        up[i] += 1e-6;
        down[i] -= 1e-6;
        const double numeric = (problem.loss(up) - problem.loss(down)) / 2e-6;
        CHECK_NEAR(here.gradient[i], numeric, 1e-6 * (10 + std::abs(numeric)));
    }
}

TEST_EACH_ISA("heads", "ascending outputs rise within their groups, and begin anew in each") {
    const naive::Kinds problem = problem_of(30);
    const Found<float> here = found<float>(problem);
    bool falls = false;
    for (size_t i = 0; i < 30; ++i) {
        const float* const row = &here.predictions[i * 24];
        for (size_t k : {17, 18, 20, 21, 23}) CHECK(row[k] > row[k - 1]);
        falls |= row[19] < row[18];
    }
    CHECK(falls);
}
