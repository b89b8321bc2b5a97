#pragma once
#include <functional>

#include "deltarule/philox.hpp"
#include "naive.hpp"

/// Normalisation, mixtures, dropout and heads in plain loops over doubles: a training step's loss, from which
/// finite differences make its gradient.
namespace naive {

/// A network of these kinds, its rows, and what a step is for its layers.
struct Kinds {
    std::vector<Layer> layers;
    std::vector<HeadSettings> heads;
    int64_t rows;
    uint64_t key = 11;
    int64_t clock = 0;
    Numbers vector, X, D, weight;

    /// `layers` need no derived numbers; there are so many heads that none is left without columns.
    Kinds(std::vector<Layer> given, std::vector<HeadSettings> judges, int64_t rows)
        : layers(std::move(given)), heads(std::move(judges)), rows(rows) {
        std::mt19937 source(uint32_t(rows * 31 + int64_t(layers.size())));
        std::normal_distribution<double> normal;
        for (const Layer& layer : layers) {
            for (int64_t i = 0; i < (layer.inputs + layer.bias) * layer.units; ++i)
                vector.push_back(0.5 * normal(source));
            for (int64_t i = 0; layer.normalization != Normalization::none && i < 2 * layer.units; ++i)
                vector.push_back((i < layer.units) + 0.3 * normal(source));
            for (int64_t i = 0; layer.mixes && i < layer.units; ++i)
                vector.push_back(1 + 0.3 * normal(source));
        }
        for (int64_t i = 0; i < rows * layers.front().inputs; ++i) X.push_back(normal(source));
        for (int64_t i = 0; i < rows * layers.back().units; ++i) D.push_back(normal(source));
        for (int64_t i = 0; i < rows; ++i) weight.push_back(0.5 + 0.1 * double(i % 7));
        for (const HeadSettings& head : heads)
            for (int64_t i = 0; head.loss == Loss::log_loss && i < rows; ++i)
                for (int64_t k = head.begin; k < head.end; ++k)
                    D[size_t(i * layers.back().units + k)] = k - head.begin == i % (head.end - head.begin);
    }

    /// Mean and biased variance of each unit, as a batch has them.
    struct Statistics {
        Numbers mean, variance;
    };

    /// Outputs before the heads, row after row; of a training step unless buffers are given.
    Numbers forward(const Numbers& at, const Numbers* buffers = nullptr,
                    std::vector<Statistics>* found = nullptr) const {
        Numbers a = X;
        size_t position = 0, buffer = 0;
        for (size_t l = 0; l < layers.size(); ++l) {
            const Layer& layer = layers[l];
            const size_t inputs = size_t(layer.inputs), units = size_t(layer.units), n = size_t(rows);
            Numbers z(n * units);
            for (size_t i = 0; i < n; ++i)
                for (size_t k = 0; k < units; ++k) {
                    double sum = layer.bias ? at[position + inputs * units + k] : 0;
                    for (size_t j = 0; j < inputs; ++j)
                        sum += a[i * inputs + j] * at[position + j * units + k];
                    z[i * units + k] = sum;
                }
            position += (inputs + layer.bias) * units;
            if (layer.normalization != Normalization::none) {
                const bool by_rows = layer.normalization == Normalization::layer;
                Statistics own;
                for (size_t group = 0; group < (by_rows ? n : units); ++group) {
                    const size_t count = by_rows ? units : n, step = by_rows ? 1 : units;
                    const size_t begin = by_rows ? group * units : group;
                    double mean = 0, variance = 0;
                    for (size_t i = 0; i < count; ++i) mean += z[begin + i * step] / double(count);
                    for (size_t i = 0; i < count; ++i)
                        variance += std::pow(z[begin + i * step] - mean, 2) / double(count);
                    if (!by_rows && (buffers || rows == 1)) {
                        mean = buffers ? (*buffers)[buffer + group] : 0;
                        variance = buffers ? (*buffers)[buffer + units + group] : 1;
                    }
                    own.mean.push_back(mean);
                    own.variance.push_back(variance);
                    for (size_t i = 0; i < count; ++i) {
                        const size_t unit = by_rows ? i : group;
                        double& here = z[begin + i * step];
                        here = (here - mean) / std::sqrt(variance + layer.epsilon) * at[position + unit] +
                               at[position + units + unit];
                    }
                }
                if (!by_rows) buffer += 2 * units;
                if (found && !by_rows) found->push_back(own);
                position += 2 * units;
            }
            for (size_t i = 0; i < n && l + 1 < layers.size(); ++i) {
                const auto row = z.begin() + int64_t(i * units);
                Numbers one = activate(layer, Numbers(row, row + int64_t(units)));
                for (size_t k = 0; layer.mixes && k < units; ++k)
                    one[k] = row[int64_t(k)] + (one[k] - row[int64_t(k)]) * at[position + k];
                for (size_t k = 0; k < units; ++k)
                    row[int64_t(k)] = buffers || kept(layer, i, k)
                                          ? one[k] * (buffers ? 1 : 65536.0 / double(layer.keep))
                                          : 0;
            }
            if (layer.mixes) position += units;
            a = z;
        }
        return a;
    }

    bool kept(const Layer& layer, size_t row, size_t unit) const {
        if (layer.keep == 65536) return true;
        const uint64_t blocks = uint64_t(layer.units + 15) / 16;
        const PhiloxBlock words = philox(key, uint64_t(Stream::dropout), uint64_t(clock),
                                         row * blocks + unit / 16, uint64_t(layer.dropout));
        return int64_t(words.lane[unit / 4 % 4] >> (16 * (unit % 4)) & 0xFFFF) < layer.keep;
    }

    static double class_weight(const HeadSettings& head, const double* target) {
        if (head.class_weights.empty()) return 1;
        if (head.end - head.begin == 1) return head.class_weights[target[0] > 0.5];
        const double* const end = target + (head.end - head.begin);
        return head.class_weights[size_t(std::max_element(target, end) - target)];
    }

    /// a^L of a head's outputs in a row.
    static Numbers answers(const HeadSettings& head, const Numbers& z) {
        Layer as{};
        as.activation = head.activation;
        as.parameter = head.parameter;
        Numbers a = activate(as, z);
        if (head.activation == Activation::ascending)
            for (size_t k = 0; k < z.size(); ++k)
                if (k % size_t(head.parameter ? head.parameter : double(z.size())))
                    a[k] = a[k - 1] + value(Activation::softplus, z[k], 0);
        return a;
    }

    /// Σ w f over rows and heads.
    double loss(const Numbers& at, const Numbers* buffers = nullptr) const {
        const Numbers z = forward(at, buffers);
        const size_t outputs = size_t(layers.back().units);
        double total = 0;
        for (size_t i = 0; i < size_t(rows); ++i)
            for (const HeadSettings& head : heads) {
                const size_t begin = i * outputs + size_t(head.begin), count = size_t(head.end - head.begin);
                const Numbers own(z.begin() + int64_t(begin), z.begin() + int64_t(begin + count));
                const Numbers a = answers(head, own);
                double f = 0;
                for (size_t k = 0; k < count; ++k)
                    f += loss_term(head.loss, head.activation, head.parameters[k % head.parameters.size()],
                                   own[k], a[k], D[begin + k]);
                if (heads.size() > 1 && std::isnan(f)) continue;
                total += weight[i] * head.weight * class_weight(head, &D[begin]) * f;
            }
        return total;
    }
};

/// The same in the dtype of a session.
template <class T>
struct TypedKinds {
    std::vector<T> vector, X, D, weight;
    Samples<T> samples;

    explicit TypedKinds(const Kinds& of)
        : vector(of.vector.begin(), of.vector.end()),
          X(of.X.begin(), of.X.end()),
          D(of.D.begin(), of.D.end()),
          weight(of.weight.begin(), of.weight.end()) {
        samples.dense = X.data();
        samples.target = D.data();
        samples.weight = weight.data();
        samples.rows = of.rows;
    }
};

template <class T>
Session<T> open(const Kinds& of, const TypedKinds<T>& typed, int threads = 1) {
    Session<T> session(of.layers, of.heads[0].loss, of.heads[0].parameters[0], threads, of.heads);
    session.set_parameters(typed.vector.data());
    session.bind(typed.samples);
    return session;
}

/// Steps in the order of the rows; `rate` is that of all.
template <class T>
RunReport steps(Session<T>& session, const Kinds& of, int64_t steps, int64_t batch_size, double rate,
                int64_t first = 0, double l2 = 0) {
    const Numbers rates(size_t(steps), rate);
    RunPlan plan;
    plan.order.kind = OrderKind::sequential;
    plan.first_step = first;
    plan.steps = steps;
    plan.batch_size = batch_size;
    plan.rates = rates.data();
    plan.key = of.key;
    plan.clock = of.clock;
    plan.l2 = l2;
    return session.run(plan);
}

/// All numbers that a training goes on by: parameters, buffers, moments.
template <class T>
std::vector<T> everything(const Session<T>& session) {
    const size_t size = size_t(session.size()), buffers = size_t(session.buffer_size());
    std::vector<T> all(size * size_t(1 + moment_count(session.optimizer())) + buffers);
    session.parameters(all.data());
    session.buffers(all.data() + size);
    session.moments(all.data() + size + buffers);
    return all;
}

/// Two hidden layers of a kind; the second one drops out, too, and no width fills its panels.
inline std::vector<Layer> two_hidden(Normalization kind, Activation activation, double rate,
                                     int64_t outputs) {
    const int64_t keep = std::lround((1 - rate) * 65536);
    std::vector<Layer> layers;
    int64_t below = 5, number = 0;
    for (int64_t units : {19, 37}) {
        Layer layer{below, units, activation, 0.1, kind != Normalization::batch, 0, 0, 0};
        layer.normalization = kind;
        layer.epsilon = 1e-3;
        layer.momentum = 0.1;
        layer.keep = keep;
        layer.dropout = number++ * 3;
        layers.push_back(layer);
        below = units;
    }
    layers.push_back({below, outputs, Activation::identity, 0, true, 0, 0, 0});
    return layers;
}

inline std::vector<HeadSettings> three_heads() {
    return {{0, 2, Loss::huber, {0.5}, 0.7, Activation::tanh, 0},
            {2, 5, Loss::log_loss, {0}, 1.5, Activation::softmax, 0},
            {5, 9, Loss::quantile, {0.2, 0.9}, 1, Activation::ascending, 2}};
}

}  // namespace naive
