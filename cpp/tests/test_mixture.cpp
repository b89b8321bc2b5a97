#include "check.hpp"
#include "naive_kinds.hpp"

// Parametric activations: a = z + (σ(z) - z) p.

using namespace deltarule;

namespace {

constexpr Normalization kinds[] = {Normalization::none, Normalization::batch, Normalization::layer};

naive::Kinds problem_of(Normalization kind, Activation activation, double rate, int64_t rows) {
    std::vector<Layer> layers = naive::two_hidden(kind, activation, rate, 9);
    layers[0].mixes = layers[1].mixes = true;
    layers[1].mixture_rate = 0.5;
    return {layers, naive::three_heads(), rows};
}

/// The factor of each number of the canonical vector.
naive::Numbers factors_of(const std::vector<Layer>& layers) {
    naive::Numbers factors;
    for (const Layer& layer : layers) {
        const int64_t two = layer.normalization == Normalization::none ? 0 : 2;
        factors.insert(factors.end(), size_t((layer.inputs + layer.bias + two) * layer.units), 1);
        if (layer.mixes) factors.insert(factors.end(), size_t(layer.units), layer.mixture_rate);
    }
    return factors;
}

/// The gradient that a step over all rows goes along: its difference at a step size of one.
template <class T>
naive::Numbers gradient_of(const naive::Kinds& problem, int threads = 1) {
    const naive::TypedKinds<T> typed(problem);
    Session<T> session = naive::open(problem, typed, threads);
    naive::steps(session, problem, 1, problem.rows, 1);
    const auto after = naive::parameters(session);
    const naive::Numbers factors = factors_of(problem.layers);
    CHECK(factors.size() == after.size());
    naive::Numbers gradient;
    for (size_t i = 0; i < after.size(); ++i)
        gradient.push_back((double(typed.vector[i]) - double(after[i])) * double(problem.rows) / factors[i]);
    return gradient;
}

}  // namespace

TEST("mixture", "it stands in the place of the activation, and none of it is fused") {
    std::vector<Layer> layers = naive::two_hidden(Normalization::none, Activation::relu, 0.5, 2);
    layers[0].keep = 65536;
    layers[0].mixes = layers[1].mixes = true;
    Panels<float> panels(layers, Loss::squared_error, 0);
    const OperationList list = list_operations(panels.layers());
    const OperationKind wanted[] = {OperationKind::affine,  OperationKind::mixture, OperationKind::affine,
                                    OperationKind::mixture, OperationKind::dropout, OperationKind::affine};
    CHECK(list.operations.size() == 6);
    for (size_t i = 0; i < 6; ++i) {
        CHECK(list.operations[i].kind == wanted[i]);
        CHECK(!list.operations[i].rectify && !list.operations[i].gated);
        CHECK(list.operations[i].gate == Gate::none);
    }
    CHECK(list.kept == 2 * (19 + 37));
    CHECK(!panels.single_rows());
}

TEST_EACH_ISA("mixture", "gradients are differences of the loss") {
    for (const Normalization kind : kinds)
        for (const double rate : {0.0, 0.3})
            for (const int64_t rows : {7, 100}) {
                const naive::Kinds problem = problem_of(kind, Activation::gelu, rate, rows);
                const naive::Numbers gradient = gradient_of<double>(problem);
                for (size_t i = 0; i < gradient.size(); i += rows < 10 ? 1 : 97) {
                    naive::Numbers up = problem.vector, down = up;
                    up[i] += 1e-6;
                    down[i] -= 1e-6;
                    CHECK_NEAR((problem.loss(up) - problem.loss(down)) / 2e-6, gradient[i],
                               2e-6 * (std::abs(gradient[i]) + double(rows)));
                }
            }
}

TEST_EACH_ISA("mixture", "threads change no bit, nor does the number of rows that go together") {
    for (const Normalization kind : kinds) {
        const naive::Kinds problem = problem_of(kind, Activation::tanh, 0.3, 1100);
        CHECK(gradient_of<float>(problem, 1) == gradient_of<float>(problem, 4));
    }
}

TEST_EACH_ISA("mixture", "a mixture of one is the activation, one of zero is none") {
    for (const double mixture : {1.0, 0.0}) {
        naive::Kinds mixed(naive::two_hidden(Normalization::none, Activation::selu, 0, 9),
                           naive::three_heads(), 40);
        naive::Kinds plain = mixed;
        for (Layer& layer : plain.layers)
            if (mixture == 0) layer.activation = Activation::identity;
        naive::Numbers vector;
        auto from = mixed.vector.begin();
        for (Layer& layer : mixed.layers) {
            const int64_t own = (layer.inputs + layer.bias) * layer.units;
            vector.insert(vector.end(), from, from + own);
            from += own;
            layer.mixes = &layer != &mixed.layers.back();
            if (layer.mixes) vector.insert(vector.end(), size_t(layer.units), mixture);
        }
        mixed.vector = vector;
        const naive::TypedKinds<double> one(mixed), other(plain);
        Session<double> a = naive::open(mixed, one), b = naive::open(plain, other);
        CHECK_NEAR(a.loss(one.samples), b.loss(other.samples), 1e-11);
    }
}
