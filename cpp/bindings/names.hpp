#pragma once
#include <string>
#include <tuple>
#include <vector>

#include "arrays.hpp"
#include "deltarule/random.hpp"
#include "deltarule/scores.hpp"

/// Names and descriptions that come in from Python.
namespace deltarule::bindings {

template <class Enum, size_t n>
Enum named(const std::string& name, const char* const (&names)[n], const char* what) {
    std::string known;
    for (size_t i = 0; i < n; ++i) {
        if (name == names[i]) return Enum(int(i));
        known += (i ? ", " : "") + std::string(names[i]);
    }
    throw nb::value_error(
        (std::string(what) + " must be one of " + known + " (got '" + name + "').").c_str());
}

inline Activation activation_of(const std::string& name) {
    return named<Activation>(name,
                             {"identity", "logistic", "tanh", "relu", "leaky_relu", "sign", "softmax",
                              "softplus", "selu", "gelu", "silu", "mish", "exp"},
                             "activation");
}

inline Loss loss_of(const std::string& name) {
    return named<Loss>(
        name, {"squared_error", "absolute_error", "huber", "quantile", "poisson", "log_loss", "perceptron"},
        "loss");
}

inline Optimizer optimizer_of(const std::string& name) {
    return named<Optimizer>(name, {"sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"}, "optimizer");
}

inline OrderKind order_of(const std::string& name) {
    return named<OrderKind>(name, {"replacement", "shuffle", "sequential"}, "order");
}

inline Score score_of(const std::string& name) {
    return named<Score>(name, {"minus_loss", "threshold", "largest", "votes", "r2"}, "score");
}

using LayerText = std::tuple<int64_t, int64_t, std::string, double, bool>;

inline std::vector<Layer> layers_of(const std::vector<LayerText>& texts) {
    if (texts.empty()) refuse("layers must hold at least one layer (got none).");
    constexpr int64_t most = int64_t(1) << 40;  // numbers of one layer: far more than memory has
    std::vector<Layer> layers;
    for (const auto& [inputs, units, activation, parameter, bias] : texts) {
        if (inputs < 1 || units < 1) refuse("a layer needs at least one input and one unit.");
        if (inputs > most || units > most / inputs)
            refuse("a layer of " + std::to_string(inputs) + " inputs and " + std::to_string(units) +
                   " units does not fit into memory. Make it smaller.");
        if (!layers.empty() && layers.back().units != inputs)
            refuse("the inputs of a layer must be the units of the one below.");
        layers.push_back({inputs, units, activation_of(activation), parameter, bias, 0, 0, 0});
    }
    return layers;
}

}  // namespace deltarule::bindings
