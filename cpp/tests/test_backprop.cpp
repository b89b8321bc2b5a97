#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// Every coordinate of the gradient against central differences of the plain loops.
void compare_gradient(const naive::Problem& problem) {
    const naive::Typed<double> typed(problem);
    Session<double> session = naive::open(problem, typed);
    std::vector<double> gradient(size_t(session.size()));
    const double loss = session.loss(typed.samples, gradient.data());
    CHECK_NEAR(loss, problem.value(), 1e-12 * loss);
    double largest = loss;
    for (double g : gradient) largest = std::fmax(largest, std::abs(g));
    const double step = 1e-5;
    for (size_t i = 0; i < gradient.size(); ++i) {
        naive::Numbers up = problem.vector, down = problem.vector;
        up[i] += step;
        down[i] -= step;
        CHECK_NEAR(gradient[i], (problem.value(up) - problem.value(down)) / (2 * step), 1e-7 * largest);
    }
}

}  // namespace

TEST_EACH_ISA("backprop", "gradients of smooth hidden layers, any depth") {
    for (Activation hidden :
         {Activation::identity, Activation::logistic, Activation::tanh, Activation::softmax,
          Activation::softplus, Activation::gelu, Activation::silu, Activation::mish}) {
        compare_gradient({{3, 4, 2}, hidden, Activation::identity, Loss::squared_error, 5});
        compare_gradient({{2, 17, 3, 4}, hidden, Activation::softmax, Loss::log_loss, 9, false});
    }
    compare_gradient({{5, 3}, Activation::tanh, Activation::logistic, Loss::log_loss, 7});
}

TEST_EACH_ISA("backprop", "gradients of the output layer") {
    for (Activation last : {Activation::logistic, Activation::tanh, Activation::softmax, Activation::softplus,
                            Activation::gelu, Activation::silu, Activation::mish})
        compare_gradient({{3, 5, 3}, Activation::tanh, last, Loss::squared_error, 6});
    for (Activation last : {Activation::exp, Activation::softplus, Activation::logistic, Activation::softmax})
        compare_gradient({{3, 5, 3}, Activation::tanh, last, Loss::poisson, 6});
}

TEST_EACH_ISA("backprop", "a step of one row is the same on both roads") {
    for (Optimizer kind : {Optimizer::sgd, Optimizer::momentum, Optimizer::rmsprop}) {
        const naive::Problem one({20, 19, 18, 5}, Activation::tanh, Activation::softmax, Loss::log_loss, 1);
        naive::Problem two = one;  // the same row twice is a batch of the same gradient
        two.rows = 2;
        for (naive::Numbers* part : {&two.X, &two.D, &two.weight})
            part->insert(part->end(), part->begin(), part->end());
        const naive::Typed<double> single(one), pair(two);
        Session<double> samples = naive::open(one, single), batches = naive::open(two, pair);
        samples.set_optimizer({kind, 0.9, 0, 1e-3, 0});
        batches.set_optimizer({kind, 0.9, 0, 1e-3, 0});
        const auto a = naive::run(samples, 4, 1, 0.01, 0.02), b = naive::run(batches, 4, 2, 0.01, 0.02);
        for (size_t i = 0; i < a.size(); ++i) CHECK_NEAR(a[i], b[i], 1e-13);
    }
}
