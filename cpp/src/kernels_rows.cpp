// Prediction row by row: the units of a layer fill the lanes, as on the per-sample road.
//
// a) A row passes all layers before the next begins, so that a row alone and a row among others get
//    the same bits.
// b) Two pieces of the caller's scratch take turns; nothing else is written, so that any number of
//    threads may predict with the same weights.
// c) Slopes are not computed: nobody learns here.

#include <algorithm>

#include "kernels_isa.hpp"
#include "one_row.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

template <Activation kind, class T>
void evaluate_as(T* z, int64_t count, T parameter) {
    for (int64_t i = 0; i < count * lanes<T>; i += lanes<T>)
        store(z + i, activated<kind, T>(load(z + i), parameter, true).value);
}

/// σ(z) of a whole layer in place.
template <class T>
void evaluate(const Layer& layer, T* z) {
    if (layer.activation == Activation::softmax)
        return (void)softmax<T>(Units<T, true>{layer.units, lanes<T>}, z);
    with_activation(layer.activation, [&]<Activation kind>() {
        if (kind != Activation::identity) evaluate_as<kind, T>(z, layer.panels, T(layer.parameter));
    });
}

}  // namespace

template <class T>
void predict_rows(const Rows<T>& rows) {
    FlushDenormals guard;
    const Network& network = *rows.network;
    const int64_t inputs = network.layers[0].inputs, outputs = network.layers[network.depth - 1].units;
    for (int64_t row = 0; row < rows.count; ++row) {
        const T* x = rows.inputs + row * inputs;
        for (int64_t l = 0; l < network.depth; ++l) {
            const Layer& layer = network.layers[l];
            const T* const weights = rows.weights + layer.offset;
            T* const z = rows.scratch + (l % 2) * rows.widest;
            forward_layer<T>(layer, weights, x, z, Look<T>{layer, weights});
            evaluate<T>(layer, z);
            x = z;
        }
        std::copy_n(x, outputs, rows.outputs + row * outputs);
    }
}

template void predict_rows<float>(const Rows<float>& rows);
template void predict_rows<double>(const Rows<double>& rows);

}  // namespace deltarule::DELTARULE_ISA
