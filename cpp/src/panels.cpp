#include "deltarule/panels.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace deltarule {

double bias_correction(const OptimizerSettings& settings, int64_t step) {
    const double t = double(step) + 1;
    return std::sqrt(1 - std::pow(settings.second, t)) / (1 - std::pow(settings.first, t));
}

template <class T>
Panels<T>::Panels(std::vector<Layer> layers, Loss loss, double loss_parameter)
    : kernels_(deltarule::kernels<T>()), layers_(std::move(layers)) {
    int64_t size = 0;
    for (Layer& layer : layers_) {
        layer.rows = layer.inputs + layer.bias;
        layer.panels = (layer.units + kernels_.lanes - 1) / kernels_.lanes;
        layer.offset = size;
        size += layer.panels * layer.rows * kernels_.lanes;
        parameters_ += layer.units * layer.rows;
    }
    network_ = {layers_.data(), int64_t(layers_.size()), loss, loss_parameter, size};
    arena_ = std::make_unique<Arena>(4 * Arena::need(size, sizeof(T)));
    store_ = {arena_->take<T>(size), arena_->take<T>(size), arena_->take<T>(size), arena_->take<T>(size)};
}

template <class T>
void Panels<T>::pack(const T* vector, T* panels) const {
    const int64_t lanes = kernels_.lanes;
    for (const Layer& layer : layers_)
        for (int64_t i = 0; i < layer.rows; ++i, vector += layer.units)
            for (int64_t k = 0; k < layer.units; ++k)
                panels[layer.offset + (k / lanes * layer.rows + i) * lanes + k % lanes] = vector[k];
}

template <class T>
void Panels<T>::unpack(const T* panels, T* vector) const {
    const int64_t lanes = kernels_.lanes;
    for (const Layer& layer : layers_)
        for (int64_t i = 0; i < layer.rows; ++i, vector += layer.units)
            for (int64_t k = 0; k < layer.units; ++k)
                vector[k] = panels[layer.offset + (k / lanes * layer.rows + i) * lanes + k % lanes];
}

template <class T>
T* Panels<T>::moment(int index) const {
    return index == 1 || settings_.kind == Optimizer::rmsprop ? store_.square : store_.moment;
}

template <class T>
void Panels<T>::set_moments(const T* moments) {
    std::fill_n(store_.moment, network_.size, T(0));
    std::fill_n(store_.square, network_.size, T(0));
    for (int i = 0; moments && i < moment_count(settings_.kind); ++i)
        pack(moments + i * parameters_, moment(i));
}

template <class T>
void Panels<T>::moments(T* moments) const {
    for (int i = 0; i < moment_count(settings_.kind); ++i) unpack(moment(i), moments + i * parameters_);
}

template <class T>
void Panels<T>::save(T* to) const {
    std::copy_n(store_.weights, network_.size, to);
    for (int i = 0; i < moment_count(settings_.kind); ++i)
        std::copy_n(moment(i), network_.size, to += network_.size);
}

template <class T>
void Panels<T>::restore(const T* from) {
    std::copy_n(from, network_.size, store_.weights);
    for (int i = 0; i < moment_count(settings_.kind); ++i)
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
