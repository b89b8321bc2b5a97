#pragma once
#include <cmath>
#include <random>
#include <vector>

#include "deltarule/session.hpp"

/// A network in plain loops over doubles: what the kernels are held against.
namespace naive {

using namespace deltarule;
using Numbers = std::vector<double>;

inline double normal_cdf(double z) { return 0.5 * std::erfc(-z * std::sqrt(0.5)); }

inline double value(Activation kind, double z, double parameter) {
    switch (kind) {
        case Activation::logistic: return 1 / (1 + std::exp(-z));
        case Activation::tanh: return std::tanh(z);
        case Activation::relu: return z > 0 ? z : 0;
        case Activation::leaky_relu: return z > 0 ? z : parameter * z;
        case Activation::sign: return z >= 0 ? 1 : -1;
        case Activation::softplus: return std::fmax(z, 0) + std::log1p(std::exp(-std::abs(z)));
        case Activation::selu: return 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * std::expm1(z));
        case Activation::gelu: return z * normal_cdf(z);
        case Activation::silu: return z / (1 + std::exp(-z));
        case Activation::mish: return z * std::tanh(value(Activation::softplus, z, 0));
        case Activation::exp: return std::exp(z);
        default: return z;
    }
}

inline Numbers activate(const Layer& layer, Numbers z) {
    if (layer.activation != Activation::softmax) {
        for (double& entry : z) entry = value(layer.activation, entry, layer.parameter);
        return z;
    }
    double total = 0;
    for (double& entry : z) total += entry = std::exp(entry);
    for (double& entry : z) entry /= total;
    return z;
}

/// a^L and z^L for one row; `vector` is canonical.
struct Output {
    Numbers z, a;
};

inline Output forward(const std::vector<Layer>& layers, const Numbers& vector, const double* x) {
    Output out{{}, Numbers(x, x + layers[0].inputs)};
    size_t at = 0;
    for (const Layer& layer : layers) {
        const size_t inputs = size_t(layer.inputs), units = size_t(layer.units);
        out.z.assign(units, 0);
        for (size_t i = 0; i < inputs; ++i)
            for (size_t k = 0; k < units; ++k) out.z[k] += out.a[i] * vector[at + i * units + k];
        at += inputs * units;
        for (size_t k = 0; layer.bias && k < units; ++k) out.z[k] += vector[at + k];
        if (layer.bias) at += units;
        out.a = activate(layer, out.z);
    }
    return out;
}

inline double times_log(double d, double x) { return d == 0 ? 0 : d * std::log(x); }

inline double loss_term(Loss loss, Activation last, double parameter, double z, double a, double d) {
    const double r = a - d;
    switch (loss) {
        case Loss::squared_error: return r * r / 2;
        case Loss::absolute_error: return std::abs(r);
        case Loss::huber:
            return std::abs(r) <= parameter ? r * r / 2 : parameter * (std::abs(r) - parameter / 2);
        case Loss::quantile: return r < 0 ? -parameter * r : (1 - parameter) * r;
        case Loss::poisson: return times_log(d, d / a) - d + a;
        case Loss::perceptron: return std::fmax(0, -d * z);
        default: break;
    }
    if (last == Activation::softmax) return -times_log(d, a);
    return -times_log(d, a) - times_log(1 - d, 1 - a);
}

/// Σ w f over rows.
inline double loss(const std::vector<Layer>& layers, Loss kind, double parameter, const Numbers& vector,
                   const Numbers& X, const Numbers& D, const Numbers& weight) {
    const size_t inputs = size_t(layers.front().inputs), outputs = size_t(layers.back().units);
    double total = 0;
    for (size_t row = 0; row * outputs < D.size(); ++row) {
        const Output out = forward(layers, vector, &X[row * inputs]);
        for (size_t k = 0; k < outputs; ++k)
            total += (weight.empty() ? 1 : weight[row]) * loss_term(kind, layers.back().activation, parameter,
                                                                    out.z[k], out.a[k], D[row * outputs + k]);
    }
    return total;
}

/// A network with random numbers and rows for it.
struct Problem {
    std::vector<Layer> layers;
    Loss kind;
    double parameter = 0.7;
    int64_t rows;
    Numbers vector, X, D, weight;

    Problem(std::vector<int64_t> units, Activation hidden, Activation last, Loss loss, int64_t rows,
            bool bias = true)
        : kind(loss), rows(rows) {
        std::mt19937 source(uint32_t(rows * 31 + int(hidden) * 7 + int(last)));
        std::normal_distribution<double> normal;
        size_t size = 0;
        for (size_t l = 0; l + 1 < units.size(); ++l) {
            const bool deepest = l + 2 == units.size();
            layers.push_back({units[l], units[l + 1], deepest ? last : hidden, 0.1, bias, 0, 0, 0});
            size += size_t((units[l] + bias) * units[l + 1]);
        }
        for (size_t i = 0; i < size; ++i) vector.push_back(0.4 * normal(source));
        for (int64_t i = 0; i < rows * units.front(); ++i) X.push_back(normal(source));
        for (int64_t i = 0; i < rows * units.back(); ++i) D.push_back(target(normal(source)));
        for (int64_t i = 0; i < rows; ++i) weight.push_back(0.5 + 0.1 * double(i % 7));
        if (loss == Loss::log_loss) make_classes(size_t(units.back()));
    }

    double value(const Numbers& at) const { return loss(layers, kind, parameter, at, X, D, weight); }
    double value() const { return value(vector); }

private:
    double target(double drawn) const {
        if (kind == Loss::poisson) return std::floor(std::abs(2 * drawn));
        if (kind == Loss::perceptron) return drawn > 0 ? 1 : -1;
        return drawn;
    }
    void make_classes(size_t outputs) {
        for (size_t i = 0; i < D.size(); ++i) D[i] = i % outputs == (i / outputs * 3) % outputs;
    }
};

/// The same problem in the dtype of a session.
template <class T>
struct Typed {
    std::vector<T> vector, X, D, weight;
    Samples<T> samples;

    explicit Typed(const Problem& problem)
        : vector(problem.vector.begin(), problem.vector.end()),
          X(problem.X.begin(), problem.X.end()),
          D(problem.D.begin(), problem.D.end()),
          weight(problem.weight.begin(), problem.weight.end()) {
        samples.dense = X.data();
        samples.target = D.data();
        samples.weight = weight.data();
        samples.rows = problem.rows;
    }
};

template <class T>
Session<T> open(const Problem& problem, const Typed<T>& typed, int threads = 1) {
    Session<T> session(problem.layers, problem.kind, problem.parameter, threads);
    session.set_parameters(typed.vector.data());
    session.bind(typed.samples);
    return session;
}

template <class T>
std::vector<T> parameters(const Session<T>& session) {
    std::vector<T> vector(size_t(session.size()));
    session.parameters(vector.data());
    return vector;
}

template <class T>
std::vector<T> run(Session<T>& session, int64_t steps, int64_t batch_size, double l1 = 0, double l2 = 0,
                   int64_t first = 0) {
    const Numbers rates(size_t(steps), 0.05);
    RunPlan plan;
    plan.order.kind = OrderKind::shuffle;
    plan.order.key = 5;
    plan.first_step = first;
    plan.steps = steps;
    plan.batch_size = batch_size;
    plan.rates = rates.data();
    plan.l1 = l1;
    plan.l2 = l2;
    session.run(plan);
    return parameters(session);
}

}  // namespace naive
