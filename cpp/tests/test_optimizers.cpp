#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// One parameter w, x = 1, squared error to 0: the gradient is w, and two steps can be done by hand.
struct Hand {
    double w = 0.8, m = 0, v = 0;
    int step = 0;

    void take(Optimizer kind) {
        const double a = 0.05, b1 = 0.9, b2 = 0.99, e = 1e-3, decay = 0.1, old = w;
        const double g = w + 0.02 * w + 0.01;  // l2 and l1
        ++step;
        if (kind == Optimizer::sgd) w -= a * g;
        if (kind == Optimizer::momentum || kind == Optimizer::nesterov) {
            m = b1 * m - a * g;
            w += kind == Optimizer::momentum ? m : b1 * m - a * g;
        }
        if (kind == Optimizer::rmsprop) {
            v = b1 * v + (1 - b1) * g * g;
            w -= a * g / (std::sqrt(v) + e);
        }
        if (kind == Optimizer::adam || kind == Optimizer::adamw) {
            m = b1 * m + (1 - b1) * g;
            v = b2 * v + (1 - b2) * g * g;
            w -= a * std::sqrt(1 - std::pow(b2, step)) / (1 - std::pow(b1, step)) * m / (std::sqrt(v) + e);
            if (kind == Optimizer::adamw) w -= a * decay * old;
        }
    }
};

constexpr Optimizer kinds[] = {Optimizer::sgd,  Optimizer::momentum, Optimizer::nesterov,
                               Optimizer::adam, Optimizer::adamw,    Optimizer::rmsprop};

naive::Problem one_weight(int64_t rows) {
    naive::Problem problem({1, 1}, Activation::identity, Activation::identity, Loss::squared_error, rows,
                           false);
    problem.vector = {0.8};
    problem.X.assign(size_t(rows), 1);
    problem.D.assign(size_t(rows), 0);
    problem.weight.assign(size_t(rows), 1);
    return problem;
}

}  // namespace

TEST_EACH_ISA("optimizers", "three steps by hand, on both roads") {
    for (Optimizer kind : kinds)
        for (int64_t batch : {1, 4}) {
            const naive::Problem problem = one_weight(4);
            const naive::Typed<double> typed(problem);
            Session<double> session = naive::open(problem, typed);
            session.set_optimizer({kind, 0.9, 0.99, 1e-3, 0.1});
            Hand hand;
            for (int i = 0; i < 3; ++i) hand.take(kind);
            CHECK_NEAR(naive::run(session, 3, batch, 0.01, 0.02)[0], hand.w, 1e-14);
        }
}

TEST_EACH_ISA("optimizers", "neither penalty nor decay touches a bias") {
    for (Optimizer kind : kinds)
        for (int64_t batch : {1, 4}) {
            naive::Problem problem({2, 3}, Activation::identity, Activation::identity, Loss::squared_error,
                                   4);
            problem.weight.assign(4, 0);  // no sample counts: only penalties move
            const naive::Typed<double> typed(problem);
            Session<double> session = naive::open(problem, typed);
            session.set_optimizer({kind, 0.9, 0.99, 1e-3, 0.1});
            const auto after = naive::run(session, 3, batch, 0.01, 0.02);
            for (size_t i = 0; i < after.size(); ++i) CHECK((after[i] == problem.vector[i]) == (i >= 6));
        }
}

TEST_EACH_ISA("optimizers", "cutting a run changes no bit") {
    for (Optimizer kind : kinds)
        for (int64_t batch : {1, 5}) {
            const naive::Problem problem({4, 9, 3}, Activation::tanh, Activation::softmax, Loss::log_loss,
                                         23);
            const naive::Typed<float> typed(problem);
            Session<float> whole = naive::open(problem, typed), cut = naive::open(problem, typed);
            whole.set_optimizer({kind, 0.9, 0.99, 1e-3, 0.1});
            cut.set_optimizer({kind, 0.9, 0.99, 1e-3, 0.1});
            const auto wanted = naive::run(whole, 60, batch, 0, 0.01);
            naive::run(cut, 13, batch, 0, 0.01);
            naive::run(cut, 1, batch, 0, 0.01, 13);
            CHECK(naive::run(cut, 46, batch, 0, 0.01, 14) == wanted);
        }
}
