#include "deltarule/predictor.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace deltarule {
namespace {

/// Numbers of scratch that are taken from the stack; a call of a wider network allocates.
constexpr int64_t on_stack = 2048;

template <class T>
std::unique_ptr<const Panels<T>> panels_with(std::vector<Layer> layers, std::vector<HeadSettings> heads,
                                             PreludeSettings prelude, const T* vector, const T* buffers) {
    auto panels = std::make_unique<Panels<T>>(std::move(layers), Loss::squared_error, 0, std::move(heads),
                                              std::move(prelude));
    panels->set_parameters(vector);
    if (buffers) panels->set_buffers(buffers);
    return panels;
}

template <class T>
int64_t widest_of(const Panels<T>& panels) {
    int64_t most = is_there(panels.network().prelude) ? panels.layers()[0].inputs : 0;
    for (const Layer& layer : panels.layers()) most = std::max(most, layer.panels * panels.kernels().lanes);
    return most;
}

}  // namespace

template <class T>
Predictor<T>::Predictor(std::vector<Layer> layers, const T* vector, std::vector<double> center,
                        std::vector<double> scale, std::vector<HeadSettings> heads, const T* buffers,
                        PreludeSettings prelude)
    : own_(panels_with(std::move(layers), std::move(heads), std::move(prelude), vector, buffers)),
      panels_(*own_),
      network_(own_->network()),
      center_(std::move(center)),
      scale_(std::move(scale)),
      widest_(widest_of(panels_)) {}

template <class T>
Predictor<T>::Predictor(const Panels<T>& panels, std::optional<Activation> last, std::vector<double> center,
                        std::vector<double> scale)
    : panels_(panels),
      network_(panels.network()),
      center_(std::move(center)),
      scale_(std::move(scale)),
      widest_(widest_of(panels_)) {
    if (!last) return;
    other_ = {*network_.heads};
    other_[0].activation = *last;
    network_.heads = other_.data();
}

template <class T>
template <class S>
void Predictor<T>::prepare(const S* row, int64_t step, T* to) const {
    const int64_t count = inputs();
    if (step == 1) std::copy_n(row, count, to);
    else
        for (int64_t i = 0; i < count; ++i) to[i] = T(row[i * step]);
    for (int64_t i = 0; i < int64_t(scale_.size()); ++i)
        to[i] = T((double(to[i]) - center_[size_t(i)]) / scale_[size_t(i)]);
}

template <class T>
template <class S>
void Predictor<T>::predict(const RowsAt<S>& X, T* to) const {
    const int64_t inputs = this->inputs(), needed = 2 * widest_ + inputs;
    alignas(64) T small[on_stack];
    std::unique_ptr<Arena> large;
    T* scratch = small;
    if (needed > on_stack) {
        large = std::make_unique<Arena>(Arena::need(needed, sizeof(T)));
        scratch = large->take<T>(needed);
    }
    const Store<T>& store = panels_.store();
    const T* const weights = panels_.optimizer().averages ? store.average : store.weights;
    Rows<T> rows{&network_, weights, store.weights, nullptr, X.rows, scratch, widest_, to};
    if constexpr (std::is_same_v<S, T>) {
        if (scale_.empty() && X.step == 1 && (X.row_step == inputs || X.rows == 1)) {
            rows.inputs = X.first;
            return panels_.kernels().rows(rows);
        }
    }
    T* const row = scratch + 2 * widest_;
    rows.inputs = row;
    rows.count = 1;
    for (int64_t i = 0; i < X.rows; ++i, rows.outputs += outputs()) {
        prepare(X.first + i * X.row_step, X.step, row);
        panels_.kernels().rows(rows);
    }
}

template class Predictor<float>;
template class Predictor<double>;
template void Predictor<float>::predict(const RowsAt<float>&, float*) const;
template void Predictor<float>::predict(const RowsAt<double>&, float*) const;
template void Predictor<double>::predict(const RowsAt<float>&, double*) const;
template void Predictor<double>::predict(const RowsAt<double>&, double*) const;

}  // namespace deltarule
