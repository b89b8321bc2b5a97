#include "deltarule/learner.hpp"

#include <limits>

#include "allocations.hpp"
#include "check.hpp"
#include "deltarule/predictor.hpp"
#include "naive_kinds.hpp"

using namespace deltarule;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Optimizer optimizers[] = {Optimizer::sgd,  Optimizer::momentum, Optimizer::nesterov,
                                    Optimizer::adam, Optimizer::adamw,    Optimizer::rmsprop};

OptimizerSettings settings_of(Optimizer kind) { return {kind, 0.9, 0.99, 1e-8, 0.01}; }

EpochPlan stream(double l1, double l2) {
    EpochPlan plan;
    plan.work.order.kind = OrderKind::sequential;
    plan.work.l1 = plan.l1 = l1;
    plan.work.l2 = plan.l2 = l2;
    plan.rules.rate = 0.01;
    plan.rules.patience = 3;
    plan.rules.least = 0.1;
    plan.rules.adaptive = true;
    plan.rules.divisor = 2;
    plan.standing.best_loss = infinity;
    plan.standing.best_score = -infinity;
    plan.slice = 1e9;
    return plan;
}

/// The numbers of a session: parameters, then moments.
template <class T>
std::vector<T> numbers_of(const Session<T>& session) {
    std::vector<T> all(size_t((1 + moment_count(session.optimizer().kind)) * session.size()));
    session.parameters(all.data());
    session.moments(all.data() + session.size());
    return all;
}

template <class T>
Session<T> opened(const naive::Problem& problem, const std::vector<T>& numbers, Optimizer kind) {
    Session<T> session(problem.layers, problem.kind, problem.parameter, 1);
    session.set_parameters(numbers.data());
    session.set_optimizer(settings_of(kind));
    const bool moments = int64_t(numbers.size()) > session.size();
    session.set_moments(moments ? numbers.data() + session.size() : nullptr);
    return session;
}

/// Row by row, each in a session of its own that is given what the last one has left.
template <class T>
void check_steps(const naive::Problem& problem, Optimizer kind, double l1, double l2) {
    const naive::Typed<T> typed(problem);
    const int64_t inputs = problem.layers.front().inputs, outputs = problem.layers.back().units;
    Session<T> session = opened(problem, typed.vector, kind);
    Learner<T> learner(session, stream(l1, l2), {}, {});
    std::vector<T> numbers = typed.vector;
    Standing standing = stream(l1, l2).standing;
    for (int64_t row = 0; row < problem.rows; ++row) {
        const double factor = 1 / (1 + 0.1 * double(row));
        Session<T> one = opened(problem, numbers, kind);
        Samples<T> samples;
        samples.dense = &typed.X[size_t(row * inputs)];
        samples.target = &typed.D[size_t(row * outputs)];
        samples.weight = &typed.weight[size_t(row)];
        samples.rows = 1;
        one.bind(samples);
        EpochPlan plan = stream(l1, l2);
        plan.epoch = row;
        plan.epochs = plan.steps = 1;
        plan.factors = &factor;
        plan.standing = standing;
        standing = one.run_epochs(plan).standing;
        numbers = numbers_of(one);

        CHECK(learner.set_input(samples.dense, 1));
        CHECK(learner.set_target(samples.target, 1));
        CHECK(learner.set_weight(double(*samples.weight)));
        CHECK(learner.step(factor) == Stepped::done);
        CHECK(learner.loss() == one.loop().numbers().loss[0]);
        CHECK(learner.standing().stalled == standing.stalled);
        CHECK(learner.standing().rate_factor == standing.rate_factor);
        CHECK(learner.epoch() == row + 1);
        CHECK(numbers_of(session) == numbers);
    }
    CHECK(standing.rate_factor < 1);
}

naive::Problem small() { return {{5, 9, 3}, Activation::tanh, Activation::softmax, Loss::log_loss, 30}; }

}  // namespace

TEST_EACH_ISA("learner", "a step is an epoch of one row in a session of its own, bit for bit") {
    for (Optimizer kind : optimizers)
        for (double l1 : {0.0, 0.001}) {
            check_steps<float>(small(), kind, l1, 0.01);
            check_steps<double>(small(), kind, l1, 0);
            check_steps<float>({{70, 40, 9, 2}, Activation::relu, Activation::identity, Loss::huber, 30},
                               kind, l1, 0.01);
        }
}

TEST_EACH_ISA("learner", "what a step would make infinite is as it was before") {
    for (Optimizer kind : optimizers) {
        const naive::Problem problem{
            {3, 4, 1}, Activation::relu, Activation::identity, Loss::squared_error, 9};
        const naive::Typed<float> typed(problem);
        Session<float> session = opened(problem, typed.vector, kind);
        Learner<float> learner(session, stream(0, 0.1), {}, {});
        for (int row = 0; row < 5; ++row) {
            CHECK(learner.set_input(&typed.X[size_t(3 * row)], 1) &&
                  learner.set_target(&typed.D[size_t(row)], 1));
            CHECK(learner.step(1) == Stepped::done);
        }
        const std::vector<float> before = numbers_of(session);
        const float far = 1e30f, row[] = {far, far, far};
        CHECK(learner.set_input(row, 1) && learner.set_target(&far, 1));
        CHECK(learner.step(1) == Stepped::non_finite);
        CHECK(learner.epoch() == 5);
        CHECK(numbers_of(session) == before);
        CHECK(learner.set_input(&typed.X[0], 1) && learner.set_target(&typed.D[0], 1));
        CHECK(learner.step(1) == Stepped::done);
        CHECK(numbers_of(session) != before);
    }
}

TEST("learner", "rows are scaled as matrices are, targets in double") {
    const naive::Problem problem{{2, 1}, Activation::relu, Activation::identity, Loss::squared_error, 4};
    const naive::Typed<float> typed(problem);
    const std::vector<double> center{0.3, 1e3}, scale{7, 1e-3};
    const double x[] = {0.1, 9.0, 1000.1}, target = 0.1, off = 0.7, by = 3;
    Session<float> session = opened(problem, typed.vector, Optimizer::sgd);
    Learner<float> learner(session, stream(0, 0), {center, scale}, {{off}, {by}});
    CHECK(learner.set_input(x, 2) && learner.set_target(&target, 1));
    const Samples<float>& row = session.bound();
    for (int64_t i = 0; i < 2; ++i)
        CHECK(row.dense[i] == float((double(float(x[2 * i])) - center[size_t(i)]) / scale[size_t(i)]));
    CHECK(row.target[0] == float((target - off) / by));
}

TEST("learner", "what is not finite, or no target of the loss, is refused") {
    const auto fits = [](Loss loss, Activation last, std::vector<double> target) {
        const naive::Problem problem{{1, int64_t(target.size())}, Activation::relu, last, loss, 1};
        const naive::Typed<float> typed(problem);
        Session<float> session = opened(problem, typed.vector, Optimizer::sgd);
        Learner<float> learner(session, stream(0, 0), {}, {});
        const double nan = std::nan(""), most = 1e39;
        CHECK(!learner.set_input(&nan, 1) && !learner.set_input(&infinity, 1) &&
              !learner.set_input(&most, 1));
        CHECK(!learner.set_weight(-1) && !learner.set_weight(nan) && !learner.set_weight(1e39));
        CHECK(learner.set_input(&target[0], 1) && learner.set_weight(0));
        return learner.set_target(target.data(), 1);
    };
    const Activation identity = Activation::identity;
    CHECK(fits(Loss::squared_error, identity, {-5, 1e30}));
    CHECK(!fits(Loss::squared_error, identity, {-5, 1e39}));
    CHECK(fits(Loss::poisson, Activation::exp, {0, 3}) && !fits(Loss::poisson, Activation::exp, {3, -1}));
    CHECK(fits(Loss::perceptron, identity, {1, -1}) && !fits(Loss::perceptron, identity, {1, 0}));
    CHECK(fits(Loss::log_loss, Activation::logistic, {1, 0.5}));
    CHECK(!fits(Loss::log_loss, Activation::logistic, {1, 1.5}));
    CHECK(fits(Loss::log_loss, Activation::softmax, {0.25, 0.75}));
    CHECK(!fits(Loss::log_loss, Activation::softmax, {0.25, 0.5}));
}

TEST("learner", "steps and predictions between them allocate nothing") {
    for (Optimizer kind : optimizers) {
        const naive::Problem problem = small();
        const naive::Typed<double> typed(problem);
        Session<double> session = opened(problem, typed.vector, kind);
        Learner<double> learner(session, stream(0.001, 0.01), {}, {});
        const Predictor<double> predictor(session.numbers(), Activation::softmax, {}, {});
        double outputs[3];
        int64_t before = 0;
        for (int64_t row = 0; row < problem.rows; ++row) {
            if (row == 2) before = check::allocations();
            learner.set_input(&typed.X[size_t(5 * row)], 1);
            learner.set_target(&typed.D[size_t(3 * row)], 1);
            CHECK(learner.step(1) == Stepped::done);
            predictor.predict(RowsAt<double>{&typed.X[0], 1, 0, 1}, outputs);
        }
        CHECK(check::allocations() == before);
        const std::vector<double> now = naive::parameters(session);
        const Predictor<double> frozen(problem.layers, now.data(), {}, {});
        double wanted[3];
        frozen.predict(RowsAt<double>{&typed.X[0], 1, 0, 1}, wanted);
        for (int k = 0; k < 3; ++k) CHECK(outputs[k] == wanted[k]);
    }
}

TEST("learner", "networks of any kind: nothing is allocated, and what is predicted is the average") {
    const naive::Kinds problem(naive::two_hidden(Normalization::layer, Activation::tanh, 0.3, 9),
                               naive::three_heads(), 12);
    const naive::TypedKinds<double> typed(problem);
    Session<double> session = naive::open(problem, typed);
    OptimizerSettings settings{Optimizer::adam, 0.9, 0.999, 1e-8};
    settings.clip_norm = 0.5;
    settings.averages = true;
    settings.average = 0.9;
    session.set_optimizer(settings);
    session.set_moments(nullptr);
    Learner<double> learner(session, stream(0.001, 0.01), {}, {});
    const Predictor<double> predictor(session.numbers(), {}, {}, {});
    double outputs[9], wanted[9];
    int64_t before = 0;
    for (int64_t row = 0; row < problem.rows; ++row) {
        if (row == 2) before = check::allocations();
        learner.set_plain(&typed.X[size_t(5 * row)], &typed.D[size_t(9 * row)]);
        CHECK(learner.step(1) == Stepped::done);
        predictor.predict(RowsAt<double>{&typed.X[0], 1, 0, 1}, outputs);
    }
    CHECK(check::allocations() == before);
    const size_t size = size_t(session.size());
    std::vector<double> moments(3 * size);
    session.moments(moments.data());
    const Predictor<double> frozen(problem.layers, moments.data() + 2 * size, {}, {}, problem.heads);
    frozen.predict(RowsAt<double>{&typed.X[0], 1, 0, 1}, wanted);
    for (int k = 0; k < 9; ++k) CHECK(outputs[k] == wanted[k]);
}

TEST("learner", "a session is bound to a row as long as there is one") {
    const naive::Problem problem = small();
    const naive::Typed<float> typed(problem);
    Session<float> session = opened(problem, typed.vector, Optimizer::adam);
    Session<float> alone = opened(problem, typed.vector, Optimizer::adam);
    Learner<float> only(alone, stream(0, 0.1), {}, {});
    {
        Learner<float> first(session, stream(0, 0.1), {}, {});
        {
            const Learner<float> second(session, stream(0, 0.1), {}, {});
            CHECK(session.bound().rows == 1);
        }
        CHECK(session.bound().rows == 0);
        for (Learner<float>* learner : {&first, &only}) {
            CHECK(learner->set_input(typed.X.data(), 1) && learner->set_target(typed.D.data(), 1));
            CHECK(learner->step(1) == Stepped::done);
        }
    }
    CHECK(session.bound().target == nullptr);
    CHECK(numbers_of(session) == numbers_of(alone));
}
