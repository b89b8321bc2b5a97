#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "deltarule/arena.hpp"
#include "deltarule/kernels.hpp"

namespace deltarule {

/// Settings of an optimiser, as the Python side names them.
struct OptimizerSettings {
    Optimizer kind = Optimizer::sgd;
    double first = 0;   ///< momentum, beta_1 or the decay of rmsprop
    double second = 0;  ///< beta_2
    double epsilon = 0;
    double weight_decay = 0;
};

/// Whether an optimiser counts its steps, keeps a first moment or velocity, a second moment; how many.
inline bool has_clock(Optimizer kind) { return kind == Optimizer::adam || kind == Optimizer::adamw; }
inline bool has_moment(Optimizer kind) { return kind != Optimizer::sgd && kind != Optimizer::rmsprop; }
inline bool has_square(Optimizer kind) { return has_clock(kind) || kind == Optimizer::rmsprop; }
inline int moment_count(Optimizer kind) { return has_moment(kind) + has_square(kind); }

/// √(1 - β₂^t) / (1 - β₁^t), t = step + 1.
double bias_correction(const OptimizerSettings& settings, int64_t step);

/// The numbers of a network and of its optimiser in the kernels' layout: weights in panels
/// [units / lanes][inputs + bias][lanes], layer after layer. The canonical layout is a vector.
template <class T>
class Panels {
public:
    Panels(std::vector<Layer> layers, Loss loss, double loss_parameter);

    int64_t size() const { return parameters_; }  ///< numbers in the canonical vector
    const std::vector<Layer>& layers() const { return layers_; }
    const Network& network() const { return network_; }
    const Store<T>& store() const { return store_; }
    const Kernels<T>& kernels() const { return kernels_; }

    void set_parameters(const T* vector) { pack(vector, store_.weights); }
    /// Weights in panels, such as a copy of the store's, as a canonical vector.
    void canonical(const T* weights, T* vector) const { unpack(weights, vector); }
    void parameters(T* vector) const { unpack(store_.weights, vector); }
    void gradient(T* vector) const { unpack(store_.gradient, vector); }
    /// Row after row of the optimiser's moments; null means zeros.
    void set_moments(const T* moments);
    void moments(T* moments) const;

    /// Weights and the optimiser's moments as they are, `saved()` numbers.
    int64_t saved() const { return network_.size * (1 + moment_count(settings_.kind)); }
    void save(T* to) const;
    void restore(const T* from);

    const OptimizerSettings& optimizer() const { return settings_; }
    void set_optimizer(const OptimizerSettings& settings) { settings_ = settings; }
    /// The step size with adam's bias correction; `step` counts from 0.
    double rate_of(double rate, int64_t step) const;
    double decay_of(double rate) const;
    Update<T> update_of(double rate, int64_t step, double l1, double l2) const;

    /// What a pass over so many rows takes at least, in microseconds: 6 operations per row and
    /// parameter at about 100 (float64: 50) of them a nanosecond.
    double microseconds(int64_t rows) const;

private:
    void pack(const T* vector, T* panels) const;
    void unpack(const T* panels, T* vector) const;
    T* moment(int index) const;

    const Kernels<T>& kernels_;
    std::vector<Layer> layers_;
    Network network_;
    int64_t parameters_ = 0;
    std::unique_ptr<Arena> arena_;
    Store<T> store_{};
    OptimizerSettings settings_;
};

}  // namespace deltarule
