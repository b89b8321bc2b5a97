#include "check.hpp"
#include "naive_kinds.hpp"

// Step sizes of their own for weights and biases of a layer.

using namespace deltarule;

namespace {

/// 5-19-37-9 with factors for two of its layers.
std::vector<Layer> layers_of(Normalization kind, double weights, double biases) {
    std::vector<Layer> layers = naive::two_hidden(kind, Activation::tanh, 0, 9);
    layers[0].weight_rate = layers[2].bias_rate = weights;
    layers[0].bias_rate = layers[2].weight_rate = biases;
    return layers;
}

/// The factor of each number of the canonical vector.
naive::Numbers factors_of(const std::vector<Layer>& layers) {
    naive::Numbers factors;
    for (const Layer& layer : layers) {
        factors.insert(factors.end(), size_t(layer.inputs * layer.units), layer.weight_rate);
        if (layer.bias) factors.insert(factors.end(), size_t(layer.units), layer.bias_rate);
        if (layer.normalization != Normalization::none)
            factors.insert(factors.end(), size_t(2 * layer.units), 1);
    }
    return factors;
}

/// Where a session stands after a step over all rows.
template <class T>
std::vector<T> after(const naive::Kinds& problem, const OptimizerSettings& by, double rate, double l2) {
    const naive::TypedKinds<T> typed(problem);
    Session<T> session = naive::open(problem, typed);
    session.set_optimizer(by);
    session.set_moments(nullptr);
    naive::steps(session, problem, 1, problem.rows, rate, 0, l2);
    std::vector<T> vector(size_t(session.size()));
    session.parameters(vector.data());
    return vector;
}

constexpr Normalization kinds[] = {Normalization::none, Normalization::batch, Normalization::layer};

}  // namespace

TEST_EACH_ISA("rates", "a step goes along the plain one, each number as far as its factor says") {
    const OptimizerSettings rules[] = {{Optimizer::sgd},
                                       {Optimizer::nesterov, 0.9},
                                       {Optimizer::adamw, 0.9, 0.999, 1e-8, 0.5},
                                       {Optimizer::rmsprop, 0.9, 0, 1e-8}};
    for (const Normalization kind : kinds)
        for (const OptimizerSettings& by : rules)
            for (const int64_t rows : {7, 100, 900}) {  // the last in parts, or in groups of rows
                const naive::Kinds plain(layers_of(kind, 1, 1), naive::three_heads(), rows);
                const naive::Kinds paced(layers_of(kind, 0.25, 3), naive::three_heads(), rows);
                CHECK(plain.vector == paced.vector);
                const auto one = after<double>(plain, by, 1e-3, 0.1),
                           own = after<double>(paced, by, 1e-3, 0.1);
                const naive::Numbers factors = factors_of(paced.layers);
                CHECK(factors.size() == own.size());
                for (size_t i = 0; i < own.size(); ++i) {
                    const double start = plain.vector[i];
                    CHECK_NEAR(own[i] - start, factors[i] * (one[i] - start), 1e-14);
                }
            }
}

TEST_EACH_ISA("rates", "a factor of one half everywhere is half the step size, bit for bit") {
    for (const Optimizer kind : {Optimizer::sgd, Optimizer::momentum, Optimizer::adamw}) {
        const OptimizerSettings by{kind, 0.9, 0.999, 1e-8, 0.5};
        std::vector<Layer> half = naive::two_hidden(Normalization::none, Activation::tanh, 0, 9);
        for (Layer& layer : half) layer.weight_rate = layer.bias_rate = 0.5;
        const naive::Kinds paced(half, naive::three_heads(), 50);
        const naive::Kinds plain(naive::two_hidden(Normalization::none, Activation::tanh, 0, 9),
                                 naive::three_heads(), 50);
        CHECK(after<float>(paced, by, 0.02, 0.1) == after<float>(plain, by, 0.01, 0.1));
    }
}

TEST("rates", "only networks of one step size have roads for single rows") {
    std::vector<Layer> layers{{3, 4, Activation::tanh, 0, true, 0, 0, 0}};
    const auto road = [&] { return Session<float>(layers, Loss::squared_error, 0, 1).road(1, 0); };
    CHECK(road() != Road::batches);
    layers[0].bias_rate = 0.5;
    CHECK(road() == Road::batches);
    layers[0].bias_rate = 1;
    layers[0].weight_rate = 2;
    CHECK(road() == Road::batches);
}
