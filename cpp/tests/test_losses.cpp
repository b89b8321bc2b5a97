#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

struct Pair {
    Loss loss;
    std::vector<Activation> outputs;
};

const std::vector<Activation> any = {Activation::identity, Activation::logistic,   Activation::tanh,
                                     Activation::relu,     Activation::leaky_relu, Activation::softmax,
                                     Activation::softplus, Activation::selu,       Activation::gelu,
                                     Activation::silu,     Activation::mish,       Activation::exp};

const Pair pairs[] = {
    {Loss::squared_error, any},
    {Loss::absolute_error, any},
    {Loss::huber, any},
    {Loss::quantile, any},
    {Loss::poisson, {Activation::exp, Activation::softplus, Activation::logistic, Activation::softmax}},
    {Loss::log_loss, {Activation::softmax, Activation::logistic}},
    {Loss::perceptron, {Activation::sign, Activation::identity}}};

template <class T>
double one_output(Loss loss, Activation last, double z, double d) {
    std::vector<Layer> layers = {{1, 1, last, 0, false, 0, 0, 0}};
    Session<T> session(layers, loss, 0.7, 1);
    const T weight = 1, x = T(z), target = T(d);
    session.set_parameters(&weight);
    Samples<T> samples;
    samples.dense = &x;
    samples.target = &target;
    samples.rows = 1;
    return session.loss(samples);
}

}  // namespace

TEST_EACH_ISA("losses", "every loss with every output agrees with plain loops") {
    for (const Pair& pair : pairs)
        for (Activation last : pair.outputs) {
            const naive::Problem problem({3, 4, 5}, Activation::tanh, last, pair.loss, 41);
            const naive::Typed<double> wide(problem);
            const naive::Typed<float> narrow(problem);
            const double wanted = problem.value();
            CHECK_NEAR(naive::open(problem, wide).loss(wide.samples), wanted, 1e-12 * wanted);
            CHECK_NEAR(naive::open(problem, narrow).loss(narrow.samples), wanted, 2e-5 * wanted);
        }
}

TEST_EACH_ISA("losses", "canonical pairs are exact where the activation saturates") {
    CHECK_NEAR(one_output<double>(Loss::log_loss, Activation::logistic, 800, 0), 800, 1e-10);
    CHECK_NEAR(one_output<double>(Loss::log_loss, Activation::logistic, -40, 0), std::exp(-40), 1e-31);
    CHECK_NEAR(one_output<float>(Loss::log_loss, Activation::logistic, -20, 0), std::exp(-20), 1e-14);
    CHECK_NEAR(one_output<double>(Loss::poisson, Activation::exp, -50, 2), 2 * std::log(2) + 100 - 2, 1e-12);
}

TEST_EACH_ISA("losses", "a perfect prediction costs nothing") {
    for (Loss loss : {Loss::squared_error, Loss::absolute_error, Loss::huber, Loss::quantile})
        CHECK(one_output<double>(loss, Activation::identity, 0.3, 0.3) == 0);
    CHECK(one_output<double>(Loss::perceptron, Activation::sign, 0.3, 1) == 0);
    CHECK_NEAR(one_output<double>(Loss::poisson, Activation::exp, std::log(3), 3), 0, 1e-15);
}
