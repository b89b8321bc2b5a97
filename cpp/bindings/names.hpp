#pragma once
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "arrays.hpp"
#include "deltarule/panels.hpp"
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
                              "softplus", "selu", "gelu", "silu", "mish", "exp", "ascending"},
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

/// Normalisation, its epsilon and momentum, what of 65536 units is kept, the number of the dropout,
/// factors of the step size for weights, biases and the mixture, of which there is none below zero.
using ExtraText = std::tuple<std::string, double, double, int64_t, int64_t, double, double, double>;
using LayerText = std::tuple<int64_t, int64_t, std::string, double, bool>;
/// Columns, loss and its numbers, weight, activation and its number, weights of the classes.
using HeadText = std::tuple<int64_t, int64_t, std::string, std::vector<double>, double, std::string, double,
                            std::vector<double>>;

/// What stands in front of the first layer: inputs, those that are embedded, frequencies and width of
/// that, its factor of the step size, whether all is scaled, the factor of the gains. Without any columns
/// the first layer says how many inputs there are.
using PreludeText = std::tuple<int64_t, std::vector<int64_t>, int64_t, int64_t, double, bool, double>;
inline const PreludeText no_prelude{0, {}, 0, 0, 1, false, 1};

inline void check_extra(const Layer& layer) {
    const auto got = [](auto number) { return " (got " + std::to_string(number) + ")."; };
    if (layer.normalization != Normalization::none && !(layer.epsilon > 0 && layer.epsilon <= 1e300))
        refuse("the epsilon of a normalisation must be a positive finite number" + got(layer.epsilon));
    if (!(layer.momentum >= 0 && layer.momentum <= 1))
        refuse("the momentum of a normalisation must be from 0 to 1" + got(layer.momentum));
    if (layer.keep < 1 || layer.keep > 65536)
        refuse("of 65536 units a layer must keep from 1 to 65536" + got(layer.keep));
    if (layer.dropout < 0) refuse("the number of a dropout must be at least 0" + got(layer.dropout));
    for (const double factor : {layer.weight_rate, layer.bias_rate, layer.mixture_rate})
        if (!(factor >= 0 && std::isfinite(factor)))
            refuse("a factor of the step size must be a finite number of at least 0" + got(factor));
}

/// `extras` has an entry for every layer, or none at all.
inline std::vector<Layer> layers_of(const std::vector<LayerText>& texts,
                                    const std::vector<ExtraText>& extras = {}) {
    if (texts.empty()) refuse("layers must hold at least one layer (got none).");
    constexpr int64_t most = int64_t(1) << 40;  // numbers of one layer: far more than memory has
    std::vector<Layer> layers;
    if (!extras.empty() && extras.size() != texts.size())
        refuse("extras must have an entry for every layer.");
    for (const auto& [inputs, units, activation, parameter, bias] : texts) {
        if (inputs < 1 || units < 1) refuse("a layer needs at least one input and one unit.");
        if (inputs > most || units > most / inputs)
            refuse("a layer of " + std::to_string(inputs) + " inputs and " + std::to_string(units) +
                   " units does not fit into memory. Make it smaller.");
        if (!layers.empty() && layers.back().units != inputs)
            refuse("the inputs of a layer must be the units of the one below.");
        layers.push_back({inputs, units, activation_of(activation), parameter, bias, 0, 0, 0});
        if (extras.empty()) continue;
        Layer& layer = layers.back();
        const auto& [normalization, epsilon, momentum, keep, dropout, weight_rate, bias_rate, mixture] =
            extras[layers.size() - 1];
        layer.normalization =
            named<Normalization>(normalization, {"none", "batch", "layer"}, "normalization");
        layer.epsilon = epsilon;
        layer.momentum = momentum;
        layer.keep = keep;
        layer.dropout = dropout;
        layer.weight_rate = weight_rate;
        layer.bias_rate = bias_rate;
        layer.mixes = !(mixture < 0);
        if (layer.mixes) layer.mixture_rate = mixture;
        check_extra(layer);
        if (layer.activation == Activation::softmax && keep != 65536)
            refuse("units of a softmax do not drop out in the core.");
        if (layer.mixes && (layer.activation == Activation::softmax || layer.activation == Activation::sign))
            refuse("a mixture is of an activation that goes number by number and has a derivative.");
    }
    for (size_t i = 0; i < layers.size(); ++i) {
        const bool last = i + 1 == layers.size();
        if (last &&
            (layers[i].normalization != Normalization::none || layers[i].keep != 65536 || layers[i].mixes))
            refuse("the last layer has no normalisation, mixture or dropout in the core.");
        if (!last && layers[i].activation == Activation::ascending)
            refuse("'ascending' is an output activation.");
    }
    return layers;
}

inline PreludeSettings prelude_of(const PreludeText& text, int64_t below) {
    const auto& [inputs, columns, frequencies, width, embedding_rate, scales, gain_rate] = text;
    for (const double rate : {embedding_rate, gain_rate})
        if (!(rate >= 0 && std::isfinite(rate)))
            refuse("a factor of the step size must be a finite number of at least 0 (got " +
                   std::to_string(rate) + ").");
    if (columns.empty()) return {0, {}, 0, 0, 1, scales, gain_rate};
    const int64_t count = int64_t(columns.size());
    if (inputs < 1 || inputs > below || frequencies < 1 || width < 1)
        refuse("an embedding needs inputs, frequencies and a width of at least 1.");
    for (const int64_t column : columns)
        if (column < 0 || column >= inputs)
            refuse("the columns of an embedding must be from 0 to " + std::to_string(inputs - 1) + " (got " +
                   std::to_string(column) + ").");
    if (count > (below - inputs) / width || inputs + count * width != below)
        refuse("the inputs of the first layer must be those of the embedding and what it adds.");
    if (frequencies > (int64_t(1) << 40) / (count * (2 + width)))
        refuse("an embedding of " + std::to_string(frequencies) +
               " frequencies does not fit into memory. Take fewer.");
    return {inputs, columns, frequencies, width, embedding_rate, scales, gain_rate};
}

inline void check_loss(Loss loss, Activation activation) {
    if (loss == Loss::log_loss && activation != Activation::softmax && activation != Activation::logistic)
        refuse("log_loss is defined for the output activations softmax and logistic.");
}

inline void check_class_weights(const std::vector<double>& weights, int64_t outputs) {
    if (weights.empty()) return;
    if (int64_t(weights.size()) != (outputs == 1 ? 2 : outputs))
        refuse("class weights must be one for each output of a head, or two for a single one.");
    for (const double weight : weights)
        if (!(weight >= 0 && std::isfinite(weight)))
            refuse("a class weight must be a finite number of at least 0 (got " + std::to_string(weight) +
                   ").");
}

inline std::vector<HeadSettings> heads_of(const std::vector<HeadText>& texts, int64_t outputs) {
    std::vector<HeadSettings> heads;
    int64_t covered = 0;
    for (const auto& [begin, end, loss, parameters, weight, activation, parameter, classes] : texts) {
        if (begin != covered || end <= begin || end > outputs)
            refuse("heads must cover the outputs once each, in order.");
        covered = end;
        if (parameters.empty() || (end - begin) % int64_t(parameters.size()) != 0)
            refuse("a head needs a multiple of as many outputs as its loss has numbers.");
        if (parameters.size() > 1 && loss_of(loss) != Loss::quantile)
            refuse("only the quantile loss has a number for each output.");
        if (!(weight >= 0 && std::isfinite(weight)))
            refuse("the weight of a head must be a finite number of at least 0 (got " +
                   std::to_string(weight) + ").");
        const Activation kind = activation_of(activation);
        check_loss(loss_of(loss), kind);
        if (kind == Activation::ascending &&
            (loss_of(loss) != Loss::quantile || !(parameter >= 0 && parameter <= double(end - begin)) ||
             parameter != std::floor(parameter) ||
             (parameter > 0 && (end - begin) % int64_t(parameter) != 0)))
            refuse("'ascending' needs the quantile loss, and groups that divide the outputs.");
        check_class_weights(classes, end - begin);
        heads.push_back({begin, end, loss_of(loss), parameters, weight, kind, parameter, classes});
    }
    if (!heads.empty() && covered != outputs) refuse("heads must cover the outputs once each, in order.");
    return heads;
}

}  // namespace deltarule::bindings
