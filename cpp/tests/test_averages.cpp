#include "check.hpp"
#include "naive_kinds.hpp"

using namespace deltarule;

namespace {

naive::Problem problem_of(int64_t rows) {
    return {{7, 30, 3}, Activation::tanh, Activation::identity, Loss::squared_error, rows};
}

template <class T>
std::vector<T> moments(const Session<T>& session) {
    std::vector<T> all(size_t(moment_count(session.optimizer()) * session.size()));
    session.moments(all.data());
    return all;
}

/// One step of SGD over all rows, clipped in plain loops.
template <class T>
void check_clipping(int64_t rows, double clip_norm, double l2, double tolerance) {
    const naive::Problem problem = problem_of(rows);
    const naive::Typed<T> typed(problem);
    Session<T> session = naive::open(problem, typed);
    std::vector<T> g(typed.vector.size());
    session.loss(typed.samples, g.data());
    naive::Numbers gradient;
    double square = 0;
    for (size_t i = 0; i < g.size(); ++i) {
        const bool bias = (i >= 7 * 30 && i < 8 * 30) || i >= 8 * 30 + 30 * 3;
        gradient.push_back(double(g[i]) / double(rows) + (bias ? 0 : l2 * problem.vector[i]));
        square += gradient[i] * gradient[i];
    }
    const double norm = std::sqrt(square), factor = norm > clip_norm ? clip_norm / norm : 1;
    session.set_optimizer({Optimizer::sgd, 0, 0, 0, 0, clip_norm});
    const std::vector<T> after = naive::run(session, 1, rows, 0, l2);
    for (size_t i = 0; i < g.size(); ++i)
        CHECK_NEAR(double(after[i]), problem.vector[i] - 0.05 * factor * gradient[i], tolerance);
}

}  // namespace

TEST_EACH_ISA("averages", "a gradient that is too long is scaled, penalty included, and no other is") {
    for (int64_t rows : {1, 5, 40, 500, 1000})  // one strip to chunks and parts
        for (double clip_norm : {1e-3, 0.1, 1e6})
            for (double l2 : {0.0, 0.3}) {
                check_clipping<double>(rows, clip_norm, l2, 1e-13);
                check_clipping<float>(rows, clip_norm, l2, 2e-6);
            }
}

TEST_EACH_ISA("averages", "what clips nothing leaves the steps of every optimiser as they are") {
    for (Optimizer kind : {Optimizer::sgd, Optimizer::momentum, Optimizer::nesterov, Optimizer::adam,
                           Optimizer::adamw, Optimizer::rmsprop}) {
        const naive::Problem problem = problem_of(40);
        const naive::Typed<double> typed(problem);
        Session<double> plain = naive::open(problem, typed), clipped = naive::open(problem, typed);
        plain.set_optimizer({kind, 0.9, 0.99, 1e-3, 0.1});
        clipped.set_optimizer({kind, 0.9, 0.99, 1e-3, 0.1, 1e9});
        const auto wanted = naive::run(plain, 20, 8, 0.01, 0.02),
                   found = naive::run(clipped, 20, 8, 0.01, 0.02);
        for (size_t i = 0; i < wanted.size(); ++i) CHECK_NEAR(found[i], wanted[i], 1e-13);
    }
}

TEST_EACH_ISA("averages", "the average is that of plain loops, and changes no step") {
    for (double decay : {0.0, 0.5, 0.95})
        for (int64_t batch : {1, 8, 40}) {
            const naive::Problem problem = problem_of(40);
            const naive::Typed<float> typed(problem);
            Session<float> plain = naive::open(problem, typed), averaging = naive::open(problem, typed);
            // Clipping takes steps of one row down the same road.
            plain.set_optimizer({Optimizer::momentum, 0.9, 0, 0, 0, 1e9});
            averaging.set_optimizer({Optimizer::momentum, 0.9, 0, 0, 0, 1e9, true, decay});
            averaging.set_moments(nullptr);
            naive::Numbers average(problem.vector.size(), 0);
            for (int64_t step = 0; step < 30; ++step) {
                const auto weights = naive::run(plain, 1, batch, 0, 0, step);
                const double keep = std::fmin(decay, double(step) / (double(step) + 9));
                for (size_t i = 0; i < average.size(); ++i)
                    average[i] = keep * average[i] + (1 - keep) * double(weights[i]);
            }
            CHECK(naive::run(averaging, 30, batch) == naive::parameters(plain));
            const auto found = moments(averaging);
            const size_t size = average.size();
            CHECK(found.size() == 2 * size);
            for (size_t i = 0; i < size; ++i) CHECK_NEAR(double(found[size + i]), average[i], 1e-5);
            averaging.publish(true);
            const auto published = naive::parameters(averaging);
            CHECK(std::equal(published.begin(), published.end(), found.begin() + int64_t(size)));
        }
}

TEST("averages", "before the first step the average is what the weights are") {
    const naive::Problem problem = problem_of(5);
    const naive::Typed<float> typed(problem);
    Session<float> session = naive::open(problem, typed);
    session.set_optimizer({Optimizer::sgd, 0, 0, 0, 0, 0, true, 0.9});
    session.set_moments(nullptr);
    session.publish(true);
    CHECK(naive::parameters(session) == typed.vector);
}

TEST("averages", "what is published is taken back by whoever runs or sets numbers") {
    const naive::Kinds problem(naive::two_hidden(Normalization::batch, Activation::relu, 0.2, 9),
                               naive::three_heads(), 60);
    const naive::TypedKinds<float> typed(problem);
    const OptimizerSettings averages{Optimizer::adam, 0.9, 0.99, 1e-8, 0, 0, true, 0.9};
    const OptimizerSettings plain{Optimizer::adam, 0.9, 0.99, 1e-8, 0};
    for (int way = 0; way < 4; ++way) {
        std::vector<std::vector<float>> found;
        for (bool left_on : {false, true}) {
            Session<float> session = naive::open(problem, typed);
            session.set_optimizer(averages);
            session.set_moments(nullptr);
            naive::steps(session, problem, 5, 20, 0.01);
            const auto before = naive::everything(session);
            session.publish(left_on);
            session.publish(left_on);
            if (left_on) CHECK(naive::everything(session) != before);
            if (way == 0) naive::steps(session, problem, 5, 20, 0.01, 5);
            if (way == 1) session.set_optimizer(plain);
            if (way == 2) session.set_parameters(typed.vector.data());
            if (way == 3) session.publish(false);
            if (way == 3) CHECK(naive::everything(session) == before);
            found.push_back(naive::everything(session));
        }
        CHECK(found[0] == found[1]);
    }
}
