#include "deltarule/panels.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace deltarule {

double bias_correction(const OptimizerSettings& settings, int64_t step) {
    const double t = double(step) + 1;
    return std::sqrt(1 - std::pow(settings.second, t)) / (1 - std::pow(settings.first, t));
}

namespace {

/// The two numbers per unit that stand behind the weights of a normalised layer.
template <class Move>
void each_extra(const Layer& layer, int64_t lanes, int64_t first, Move move) {
    const int64_t step = layer.panels * lanes;
    for (int64_t part = first; part < first + 2; ++part) move(layer.extra + part * step);
}

/// All that is trained of a layer beside its weights and biases.
template <class Move>
void each_trained(const Layer& layer, int64_t lanes, Move move) {
    if (layer.normalization != Normalization::none) each_extra(layer, lanes, 0, move);
    if (layer.mixes) move(layer.mixture);
}

}  // namespace

/// What stands in front of the first layer begins the store; returns the numbers that it takes.
template <class T>
int64_t Panels<T>::place_prelude() {
    const PreludeSettings& from = settings_of_prelude_;
    Prelude& to = network_.prelude;
    const int64_t lanes = kernels_.lanes;
    to.inputs = from.inputs;
    to.columns = from.columns.data();
    to.column_count = int64_t(from.columns.size());
    to.frequencies = from.frequencies;
    to.width = from.width;
    to.embedding_rate = from.embedding_rate;
    to.embedding_size = from.embedding_size();
    to.embedding_vectors = (to.embedding_size + lanes - 1) / lanes;
    to.scales = from.scales;
    to.gain_rate = from.gain_rate;
    to.gain = to.embedding_vectors * lanes;
    to.gain_size = from.scales ? layers_.front().inputs : 0;
    to.gain_vectors = (to.gain_size + lanes - 1) / lanes;
    parameters_ += to.embedding_size + to.gain_size;
    plain_ &= !is_there(to);
    return to.gain + to.gain_vectors * lanes;
}

template <class T>
Panels<T>::Panels(std::vector<Layer> layers, Loss loss, double loss_parameter,
                  std::vector<HeadSettings> heads, PreludeSettings prelude)
    : kernels_(deltarule::kernels<T>()),
      layers_(std::move(layers)),
      settings_of_prelude_(std::move(prelude)),
      settings_of_heads_(std::move(heads)),
      network_{} {
    int64_t size = place_prelude();
    for (Layer& layer : layers_) {
        layer.rows = layer.inputs + layer.bias;
        layer.panels = (layer.units + kernels_.lanes - 1) / kernels_.lanes;
        layer.offset = size;
        size += layer.panels * layer.rows * kernels_.lanes;
        parameters_ += layer.units * layer.rows;
        plain_ &= layer.normalization == Normalization::none && layer.keep == 65536 && !layer.mixes &&
                  layer.activation != Activation::ascending && layer.weight_rate == 1 && layer.bias_rate == 1;
        if (layer.mixes) {
            layer.mixture = size;
            size += layer.panels * kernels_.lanes;
            parameters_ += layer.units;
        }
        if (layer.normalization == Normalization::none) continue;
        layer.extra = size;
        size += 4 * layer.panels * kernels_.lanes;
        parameters_ += 2 * layer.units;
        if (layer.normalization == Normalization::batch) buffers_ += 2 * layer.units;
    }
    const Layer& last = layers_.back();
    if (settings_of_heads_.empty())
        settings_of_heads_ = {{0, last.units, loss, {loss_parameter}, 1, last.activation, last.parameter}};
    for (const HeadSettings& head : settings_of_heads_)
        heads_.push_back({head.begin, head.end, head.loss, head.parameters.data(),
                          int64_t(head.parameters.size()), head.weight, head.activation, head.parameter,
                          head.class_weights.empty() ? nullptr : head.class_weights.data()});
    const Head& first = heads_[0];
    plain_ &= heads_.size() == 1 && first.weight == 1 && first.parameter_count == 1 &&
              first.activation == last.activation && !first.class_weights;
    network_ = {layers_.data(), int64_t(layers_.size()), first.loss,      first.parameters[0], size,
                heads_.data(),  int64_t(heads_.size()),  network_.prelude};
    arena_ = std::make_unique<Arena>(4 * Arena::need(size, sizeof(T)));
    store_ = {arena_->take<T>(size), arena_->take<T>(size), arena_->take<T>(size), arena_->take<T>(size)};
    std::vector<T> start(size_t(buffers_), T(0));
    T* at = start.data();
    for (const Layer& layer : layers_)
        if (layer.normalization == Normalization::batch) {
            std::fill_n(at + layer.units, layer.units, T(1));
            at += 2 * layer.units;
        }
    set_buffers(start.data());
}

template <class T>
void Panels<T>::set_buffers(const T* buffers) {
    for (const Layer& layer : layers_)
        if (layer.normalization == Normalization::batch)
            each_extra(layer, kernels_.lanes, 2, [&](int64_t at) {
                std::copy_n(buffers, layer.units, store_.weights + at);
                buffers += layer.units;
            });
}

template <class T>
void Panels<T>::canonical_buffers(const T* weights, T* buffers) const {
    for (const Layer& layer : layers_)
        if (layer.normalization == Normalization::batch)
            each_extra(layer, kernels_.lanes, 2, [&](int64_t at) {
                std::copy_n(weights + at, layer.units, buffers);
                buffers += layer.units;
            });
}

template <class T>
void Panels<T>::copy_buffers(const T* from, T* to) const {
    for (const Layer& layer : layers_)
        if (layer.normalization == Normalization::batch)
            each_extra(layer, kernels_.lanes, 2,
                       [&](int64_t at) { std::copy_n(from + at, layer.units, to + at); });
}

template <class T>
void Panels<T>::set_optimizer(const OptimizerSettings& settings) {
    settings_ = settings;
    if (!settings.averages || average_arena_) return;
    average_arena_ = std::make_unique<Arena>(Arena::need(network_.size, sizeof(T)));
    store_.average = average_arena_->template take<T>(network_.size);
}

template <class T>
void Panels<T>::swap_average() {
    if (!settings_.averages) return;
    copy_buffers(store_.weights, store_.average);
    std::swap(store_.weights, store_.average);
}

template <class T>
const T* Panels<T>::published() {
    if (!settings_.averages) return store_.weights;
    copy_buffers(store_.weights, store_.average);
    return store_.average;
}

template <class T>
void Panels<T>::pack(const T* vector, T* panels) const {
    const int64_t lanes = kernels_.lanes;
    const Prelude& prelude = network_.prelude;
    std::copy_n(vector, prelude.embedding_size, panels + prelude.embedding);
    std::copy_n(vector += prelude.embedding_size, prelude.gain_size, panels + prelude.gain);
    vector += prelude.gain_size;
    for (const Layer& layer : layers_) {
        for (int64_t i = 0; i < layer.rows; ++i, vector += layer.units)
            for (int64_t k = 0; k < layer.units; ++k)
                panels[layer.offset + (k / lanes * layer.rows + i) * lanes + k % lanes] = vector[k];
        each_trained(layer, lanes, [&](int64_t at) {
            std::copy_n(vector, layer.units, panels + at);
            vector += layer.units;
        });
    }
}

template <class T>
void Panels<T>::unpack(const T* panels, T* vector) const {
    const int64_t lanes = kernels_.lanes;
    const Prelude& prelude = network_.prelude;
    std::copy_n(panels + prelude.embedding, prelude.embedding_size, vector);
    std::copy_n(panels + prelude.gain, prelude.gain_size, vector += prelude.embedding_size);
    vector += prelude.gain_size;
    for (const Layer& layer : layers_) {
        for (int64_t i = 0; i < layer.rows; ++i, vector += layer.units)
            for (int64_t k = 0; k < layer.units; ++k)
                vector[k] = panels[layer.offset + (k / lanes * layer.rows + i) * lanes + k % lanes];
        each_trained(layer, lanes, [&](int64_t at) {
            std::copy_n(panels + at, layer.units, vector);
            vector += layer.units;
        });
    }
}

template <class T>
T* Panels<T>::moment(int index) const {
    if (index == moment_count(settings_.kind)) return store_.average;
    return index == 1 || settings_.kind == Optimizer::rmsprop ? store_.square : store_.moment;
}

template <class T>
void Panels<T>::set_moments(const T* moments) {
    std::fill_n(store_.moment, network_.size, T(0));
    std::fill_n(store_.square, network_.size, T(0));
    // What a training would publish before its first step.
    if (settings_.averages) std::copy_n(store_.weights, network_.size, store_.average);
    for (int i = 0; moments && i < moment_count(settings_); ++i) pack(moments + i * parameters_, moment(i));
}

template <class T>
void Panels<T>::moments(T* moments) const {
    for (int i = 0; i < moment_count(settings_); ++i) unpack(moment(i), moments + i * parameters_);
}

template <class T>
void Panels<T>::save(T* to) const {
    std::copy_n(store_.weights, network_.size, to);
    for (int i = 0; i < moment_count(settings_); ++i)
        std::copy_n(moment(i), network_.size, to += network_.size);
}

template <class T>
void Panels<T>::restore(const T* from) {
    std::copy_n(from, network_.size, store_.weights);
    for (int i = 0; i < moment_count(settings_); ++i)
        std::copy_n(from += network_.size, network_.size, moment(i));
}

template <class T>
double Panels<T>::rate_of(double rate, int64_t step) const {
    return has_clock(settings_.kind) ? rate * bias_correction(settings_, step) : rate;
}

template <class T>
double Panels<T>::decay_of(double rate) const {
    return settings_.kind == Optimizer::adamw ? rate * settings_.weight_decay : 0;
}

template <class T>
Update<T> Panels<T>::update_of(double rate, int64_t step, double l1, double l2) const {
    return {settings_.kind,
            T(rate_of(rate, step)),
            T(settings_.first),
            T(settings_.second),
            T(settings_.epsilon),
            T(decay_of(rate)),
            T(l1),
            T(l2)};
}

template <class T>
double Panels<T>::microseconds(int64_t rows) const {
    return double(rows) * double(network_.size) * 6 / (sizeof(T) == 4 ? 100e3 : 50e3);
}

template class Panels<float>;
template class Panels<double>;

}  // namespace deltarule
