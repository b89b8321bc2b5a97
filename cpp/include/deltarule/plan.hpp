#pragma once
#include <cstdint>

/// What a session is asked to do, as plain data: no pointer is owned, no function has a body, so
/// that these types may cross between code compiled for different instruction sets.
namespace deltarule {

enum class Activation : int {
    identity,
    logistic,
    tanh,
    relu,
    leaky_relu,
    sign,
    softmax,
    softplus,
    selu,
    gelu,
    silu,
    mish,
    exp,
    ascending
};

enum class Loss : int { squared_error, absolute_error, huber, quantile, poisson, log_loss, perceptron };

enum class Optimizer : int { sgd, momentum, nesterov, adam, adamw, rmsprop };

enum class Normalization : int { none, batch, layer };

/// One fully connected layer: z = W a + b, output = activation(z). Hidden ones may be normalised before
/// the activation, mix it with what it is of, and drop out behind it.
struct Layer {
    int64_t inputs;
    int64_t units;
    Activation activation;
    double parameter;  ///< of the activation, such as the slope of leaky_relu
    bool bias;
    /// Derived by the session. Weights lie in panels [units / lanes][inputs + bias][lanes].
    int64_t rows;    ///< inputs + bias: rows of a panel, the bias last
    int64_t panels;  ///< units / lanes, rounded up
    int64_t offset;  ///< of the first panel in the store of parameters
    Normalization normalization = Normalization::none;
    double epsilon = 0, momentum = 0;  ///< of the normalisation
    int64_t keep = 65536;              ///< of 65536 units, how many do not drop out
    int64_t dropout = 0;               ///< the number under which the layer draws
    int64_t extra = 0;  ///< derived: gain, shift, running mean and variance, a panel's width each
    double weight_rate = 1, bias_rate = 1;  ///< factors of the step size
    bool mixes = false;                     ///< the activation with its argument
    double mixture_rate = 1;
    int64_t mixture = 0;  ///< derived: where the mixture lies, a panel's width
};

/// Some outputs, their activation and the loss that judges them.
struct Head {
    int64_t begin, end;  ///< columns
    Loss loss;
    const double* parameters;  ///< one for all columns, or one for each in turn
    int64_t parameter_count;
    double weight;
    Activation activation;
    double parameter;  ///< of the activation
    /// Factors by the class of the target: one for each output, two for a single one; or none.
    const double* class_weights = nullptr;
};

/// What stands in front of the first layer. Some inputs are embedded: behind all of them come, for each of
/// these, `width` numbers V cos(2π w x + b) + v with `frequencies` cosines. Then all that is there by now is
/// multiplied by a gain each. Both, one of them, or nothing.
struct Prelude {
    int64_t inputs = 0;                ///< of the network, where something is embedded
    const int64_t* columns = nullptr;  ///< the inputs that are embedded
    int64_t column_count = 0;          ///< 0: none
    int64_t frequencies = 0, width = 0;
    bool scales = false;
    double embedding_rate = 1, gain_rate = 1;  ///< factors of the step size
    /// Derived: where the parameters begin in the store, how many, and in how many vectors. Those of an
    /// embedding lie as in the canonical vector: w, b, V, v, each column by column.
    int64_t embedding = 0, embedding_size = 0, embedding_vectors = 0;
    int64_t gain = 0, gain_size = 0, gain_vectors = 0;
};

inline bool is_there(const Prelude& prelude) { return prelude.column_count > 0 || prelude.scales; }

struct Network {
    const Layer* layers;
    int64_t depth;
    Loss loss;  ///< of the first head
    double loss_parameter;
    int64_t size;  ///< length of the store of parameters, padding included
    const Head* heads = nullptr;
    int64_t head_count = 1;
    Prelude prelude = {};
};

/// The width of a row as it comes.
inline int64_t inputs_of(const Network& network) {
    return network.prelude.column_count ? network.prelude.inputs : network.layers[0].inputs;
}

/// Samples as they come from the caller: dense rows, or CSR with 32- or 64-bit indices.
template <class T>
struct Samples {
    const T* dense = nullptr;
    const T* values = nullptr;
    const int32_t* columns32 = nullptr;
    const int32_t* starts32 = nullptr;
    const int64_t* columns64 = nullptr;
    const int64_t* starts64 = nullptr;
    const T* target = nullptr;
    const T* weight = nullptr;  ///< null: every row weighs one
    int64_t rows = 0;
    /// CSR that mini-batches write out, strip by strip, instead of looking at it entry by entry.
    bool written_out = false;
};

/// The optimiser's numbers for one step; penalties are divided by n already, as in equation (9).
template <class T>
struct Update {
    Optimizer kind = Optimizer::sgd;
    T rate = 0;    ///< step size, for adam with its bias correction
    T first = 0;   ///< momentum, beta_1 or the decay of rmsprop
    T second = 0;  ///< beta_2
    T epsilon = 0;
    T decay = 0;  ///< rate * weight_decay of adamw
    T l1 = 0, l2 = 0;
};

/// The numbers of a network and of its optimiser, in panels.
template <class T>
struct Store {
    T* weights;
    T* gradient;
    T* moment;             ///< first moment or velocity
    T* square;             ///< second moment
    T* average = nullptr;  ///< of the weights, where the optimiser keeps one
};

}  // namespace deltarule
