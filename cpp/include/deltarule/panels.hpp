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
    double clip_norm = 0;   ///< 0: gradients of any norm
    bool averages = false;  ///< whether an average of the weights is kept
    double average = 0;     ///< its decay
};

/// Whether an optimiser counts its steps, keeps a first moment or velocity, a second moment; how many.
inline bool has_clock(Optimizer kind) { return kind == Optimizer::adam || kind == Optimizer::adamw; }
inline bool has_moment(Optimizer kind) { return kind != Optimizer::sgd && kind != Optimizer::rmsprop; }
inline bool has_square(Optimizer kind) { return has_clock(kind) || kind == Optimizer::rmsprop; }
inline int moment_count(Optimizer kind) { return has_moment(kind) + has_square(kind); }
inline int moment_count(const OptimizerSettings& settings) {
    return moment_count(settings.kind) + settings.averages;
}

/// A head with its numbers; see `Head`.
struct HeadSettings {
    int64_t begin, end;
    Loss loss;
    std::vector<double> parameters;
    double weight;
    Activation activation;
    double parameter;
    std::vector<double> class_weights = {};
};

/// What stands in front of the first layer, with its numbers; see `Prelude`.
struct PreludeSettings {
    int64_t inputs = 0;
    std::vector<int64_t> columns = {};
    int64_t frequencies = 0, width = 0;
    double embedding_rate = 1;
    bool scales = false;
    double gain_rate = 1;

    int64_t embedding_size() const { return int64_t(columns.size()) * (frequencies * (2 + width) + width); }
    /// Numbers of its parameters, where the first layer has so many inputs.
    int64_t size(int64_t below) const { return embedding_size() + (scales ? below : 0); }
};

/// √(1 - β₂^t) / (1 - β₁^t), t = step + 1.
double bias_correction(const OptimizerSettings& settings, int64_t step);

/// The numbers of a network and of its optimiser in the kernels' layout: weights in panels
/// [units / lanes][inputs + bias][lanes], layer after layer, behind what stands in front of the first as
/// it is. The canonical layout is a vector.
template <class T>
class Panels {
public:
    /// Without heads one judges all outputs.
    Panels(std::vector<Layer> layers, Loss loss, double loss_parameter, std::vector<HeadSettings> heads = {},
           PreludeSettings prelude = {});
    Panels(const Panels&) = delete;  // the network knows where its layers live

    int64_t size() const { return parameters_; }  ///< numbers in the canonical vector
    int64_t buffer_size() const { return buffers_; }
    const std::vector<Layer>& layers() const { return layers_; }
    const Network& network() const { return network_; }
    const Store<T>& store() const { return store_; }
    const Kernels<T>& kernels() const { return kernels_; }

    /// Whether steps of one row have roads of their own: dense layers of one step size under one head,
    /// and an optimiser that updates each weight by itself.
    bool single_rows() const { return plain_ && settings_.clip_norm == 0 && !settings_.averages; }

    void set_parameters(const T* vector) { pack(vector, store_.weights); }
    /// Running means and variances, layer after layer.
    void set_buffers(const T* buffers);
    void buffers(T* buffers) const { canonical_buffers(store_.weights, buffers); }
    void canonical_buffers(const T* weights, T* buffers) const;
    /// Weights in panels, such as a copy of the store's, as a canonical vector.
    void canonical(const T* weights, T* vector) const { unpack(weights, vector); }
    void parameters(T* vector) const { unpack(store_.weights, vector); }
    void gradient(T* vector) const { unpack(store_.gradient, vector); }
    /// Row after row of the optimiser's moments; null means zeros.
    void set_moments(const T* moments);
    void moments(T* moments) const;

    /// Weights and the optimiser's moments as they are, `saved()` numbers.
    int64_t saved() const { return network_.size * (1 + moment_count(settings_)); }
    void save(T* to) const;
    void restore(const T* from);

    const OptimizerSettings& optimizer() const { return settings_; }
    void set_optimizer(const OptimizerSettings& settings);
    /// Puts the average of the weights, where there is one, in the place of the weights, and back.
    void swap_average();
    /// The two swapped while this lives, however a call ends.
    class Swapped {
    public:
        explicit Swapped(Panels& of) : of_(of) { of_.swap_average(); }
        ~Swapped() { of_.swap_average(); }
        Swapped(const Swapped&) = delete;

    private:
        Panels& of_;
    };
    /// What a training publishes: the average of the weights, or the weights.
    const T* published();
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
    void copy_buffers(const T* from, T* to) const;
    int64_t place_prelude();

    const Kernels<T>& kernels_;
    std::vector<Layer> layers_;
    PreludeSettings settings_of_prelude_;
    std::vector<HeadSettings> settings_of_heads_;
    std::vector<Head> heads_;
    Network network_;
    bool plain_ = true;
    int64_t parameters_ = 0, buffers_ = 0;
    std::unique_ptr<Arena> arena_, average_arena_;
    Store<T> store_{};
    OptimizerSettings settings_;
};

}  // namespace deltarule
