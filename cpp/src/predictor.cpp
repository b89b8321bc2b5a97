#include "deltarule/predictor.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace deltarule {
namespace {

/// Numbers of scratch that are taken from the stack; a call of a wider network allocates.
constexpr int64_t on_stack = 2048;

}  // namespace

template <class T>
Predictor<T>::Predictor(std::vector<Layer> layers, const T* vector, std::vector<double> center,
                        std::vector<double> scale)
    : panels_(std::move(layers), Loss::squared_error, 0),
      center_(std::move(center)),
      scale_(std::move(scale)) {
    panels_.set_parameters(vector);
    for (const Layer& layer : panels_.layers())
        widest_ = std::max(widest_, layer.panels * panels_.kernels().lanes);
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
    Rows<T> rows{&panels_.network(), panels_.store().weights, nullptr, X.rows, scratch, widest_, to};
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
