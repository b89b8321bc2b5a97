#include "deltarule/predictor.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "bindings.hpp"
#include "calls.hpp"
#include "learner.hpp"
#include "lent.hpp"
#include "names.hpp"

// Predictions row by row, at the price of one call. What is not a plain row or array of floats gets
// the answer None: the Python side converts it, or says what is wrong with it.
namespace deltarule::bindings {
namespace {

/// A call that takes longer lets other threads run, and hears signals every 50 ms.
constexpr double worth_letting_go = 100, between_signals = 50e3;  // microseconds

/// A network as its predictor needs to know it.
struct PredictorText {
    std::vector<LayerText> layers;
    std::vector<HeadText> heads;
    std::vector<ExtraText> extras;
    PreludeText prelude;
};

template <class T>
class BoundPredictor {
public:
    BoundPredictor(const PredictorText& text, nb::handle vector, nb::handle buffers,
                   std::vector<double> center, std::vector<double> scale)
        : predictor_(open(text, vector, buffers, std::move(center), std::move(scale))) {}
    /// Sees the numbers of a session as they are, which `owner` keeps alive.
    BoundPredictor(nb::object owner, const Panels<T>& panels, std::optional<Activation> last,
                   const Scaling& inputs)
        : owner_(std::move(owner)), predictor_(panels, last, inputs.center, inputs.scale) {}
    BoundPredictor(const BoundPredictor&) = delete;

    /// a^L: (outputs,) for a row, (rows, outputs) for an array.
    nb::object outputs(nb::handle X, nb::object out) const {
        return answer(X, [&](const auto& rows, bool one) -> nb::object {
            const size_t n = size_t(rows.rows), width = size_t(predictor_.outputs());
            const std::vector<size_t> shape = one ? std::vector{width} : std::vector{n, width};
            return into(out, rows, shape, [&](T* to) { predict(rows, to); });
        });
    }

    /// The first output: a float for a row, (rows,) for an array.
    nb::object first(nb::handle X, nb::object out) const {
        return answer(X, [&](const auto& rows, bool one) -> nb::object {
            const std::vector<T> all = every(rows);
            const size_t width = size_t(predictor_.outputs());
            if (one && out.is_none()) return nb::float_(double(all[0]));
            const std::vector<size_t> shape = one ? std::vector<size_t>{} : std::vector{size_t(rows.rows)};
            return into(out, rows, shape, [&](T* to) {
                for (size_t i = 0; i < all.size(); i += width) to[i / width] = all[i];
            });
        });
    }

    /// The number of the class: an int for a row, (rows,) for an array. Of one output it is whether it
    /// is above `middle`, of several the place of the largest; the first NaN is larger than all.
    nb::object choose(nb::handle X, double middle) const {
        return answer(X, [&](const auto& rows, bool one) -> nb::object {
            const std::vector<T> all = every(rows);
            if (one) return nb::int_(chosen(all.data(), middle));
            auto found = new_array<int64_t>({size_t(rows.rows)});
            for (int64_t i = 0; i < rows.rows; ++i)
                found.data()[i] = chosen(all.data() + i * predictor_.outputs(), middle);
            return nb::cast(found);
        });
    }

private:
    static Predictor<T> open(const PredictorText& text, nb::handle vector, nb::handle buffers,
                             std::vector<double> center, std::vector<double> scale) {
        std::vector<Layer> layers = layers_of(text.layers, text.extras);
        std::vector<HeadSettings> heads = heads_of(text.heads, layers.back().units);
        PreludeSettings prelude = prelude_of(text.prelude, layers.front().inputs);
        int64_t size = prelude.size(layers.front().inputs), buffer_size = 0;
        for (const Layer& layer : layers) {
            const bool normalized = layer.normalization != Normalization::none;
            size += (layer.inputs + layer.bias + 2 * normalized + layer.mixes) * layer.units;
            if (layer.normalization == Normalization::batch) buffer_size += 2 * layer.units;
        }
        const size_t inputs = size_t(prelude.columns.empty() ? layers.front().inputs : prelude.inputs);
        if (center.size() != scale.size() || (scale.size() && scale.size() != inputs))
            refuse("center and scale must both have one number for each input, or none.");
        Held held;
        const T* const numbers = data_of<T>(vector, "parameters", {size}, held);
        const T* const running =
            buffers.is_none() ? nullptr : data_of<T>(buffers, "buffers", {buffer_size}, held);
        return Predictor<T>(std::move(layers), numbers, std::move(center), std::move(scale), std::move(heads),
                            running, std::move(prelude));
    }

    int64_t chosen(const T* outputs, double middle) const {
        const int64_t width = predictor_.outputs();
        if (width == 1) return outputs[0] > T(middle);
        int64_t best = 0;
        for (int64_t k = 0; k < width; ++k) {
            if (std::isnan(outputs[k])) return k;
            if (outputs[k] > outputs[best]) best = k;
        }
        return best;
    }

    /// Calls `then` with the rows of X and whether they are a single one; None where X is none of
    /// the things that are taken as they are.
    template <class Then>
    nb::object answer(nb::handle X, Then then) const {
        const int64_t width = predictor_.inputs();
        if (PyList_CheckExact(X.ptr()) || PyTuple_CheckExact(X.ptr())) {
            std::vector<double> numbers;
            if (!numbers_of(X, numbers, width)) return nb::none();
            return then(RowsAt<double>{numbers.data(), 1, 0, 1}, true);
        }
        const Lent lent(X, 0);
        if (!lent) return nb::none();
        if (lent.template holds<float>()) return rows_of<float>(lent.view(), then);
        if (lent.template holds<double>()) return rows_of<double>(lent.view(), then);
        return nb::none();
    }

    template <class S, class Then>
    nb::object rows_of(const Py_buffer& view, Then then) const {
        constexpr int64_t size = sizeof(S);
        const int last = view.ndim - 1;
        if (last < 0 || last > 1 || view.shape[last] != predictor_.inputs()) return nb::none();
        if (reinterpret_cast<uintptr_t>(view.buf) % size) return nb::none();
        for (int axis = 0; axis <= last; ++axis)
            if (view.strides[axis] % size) return nb::none();
        RowsAt<S> rows{static_cast<const S*>(view.buf), 1, 0, int64_t(view.strides[last]) / size};
        if (last == 1) rows.rows = view.shape[0], rows.row_step = int64_t(view.strides[0]) / size;
        return then(rows, last == 0);
    }

    /// Calls `fill` with a new array of this shape, or with the memory of `out` where that fits.
    template <class S, class Fill>
    nb::object into(nb::object out, const RowsAt<S>& X, const std::vector<size_t>& shape, Fill fill) const {
        if (out.is_none()) {
            auto made = new_array<T>(shape);
            fill(made.data());
            return nb::cast(made);
        }
        const Lent lent(out, PyBUF_WRITABLE);
        if (!lent || !lent.template holds<T>() || !fits(lent.view(), shape) || meet(lent.view(), X))
            return nb::none();
        fill(static_cast<T*>(lent.view().buf));
        return out;
    }

    static bool fits(const Py_buffer& view, const std::vector<size_t>& shape) {
        if (size_t(view.ndim) != shape.size() || reinterpret_cast<uintptr_t>(view.buf) % sizeof(T))
            return false;
        for (size_t axis = 0; axis < shape.size(); ++axis)
            if (size_t(view.shape[axis]) != shape[axis]) return false;
        return PyBuffer_IsContiguous(&view, 'C');
    }

    /// Whether an array for results lies between the first and the last number of X.
    template <class S>
    bool meet(const Py_buffer& out, const RowsAt<S>& X) const {
        if (X.rows == 0 || out.len == 0) return false;
        const S *low = X.first, *high = X.first;
        for (int64_t reach : {(X.rows - 1) * X.row_step, (predictor_.inputs() - 1) * X.step})
            (reach < 0 ? low : high) += reach;
        const auto* const begin = static_cast<const std::byte*>(out.buf);
        return reinterpret_cast<const std::byte*>(low) < begin + out.len &&
               begin < reinterpret_cast<const std::byte*>(high + 1);
    }

    template <class S>
    std::vector<T> every(const RowsAt<S>& rows) const {
        std::vector<T> all(count_of({size_t(rows.rows), size_t(predictor_.outputs())}));
        predict(rows, all.data());
        return all;
    }

    template <class S>
    void predict(const RowsAt<S>& rows, T* to) const {
        if (predictor_.microseconds(rows.rows) < worth_letting_go) return predictor_.predict(rows, to);
        const double each = std::max(predictor_.microseconds(1), 1e-3);
        const int64_t block = std::max<int64_t>(1, int64_t(between_signals / each));
        for (int64_t begin = 0; begin < rows.rows; begin += block) {
            RowsAt<S> part = rows;
            part.first += begin * rows.row_step;
            part.rows = std::min(block, rows.rows - begin);
            {
                nb::gil_scoped_release release;
                predictor_.predict(part, to + begin * predictor_.outputs());
            }
            if (PyErr_CheckSignals() != 0) throw nb::python_error();
        }
    }

    nb::object owner_;
    const Predictor<T> predictor_;
};

template <class T>
void bind_predictor(nb::module_& m, const char* name) {
    nb::class_<BoundPredictor<T>>(m, name)
        .def("outputs", &BoundPredictor<T>::outputs, nb::arg("X").none(), nb::arg("out").none() = nb::none())
        .def("first", &BoundPredictor<T>::first, nb::arg("X").none(), nb::arg("out").none() = nb::none())
        .def("choose", &BoundPredictor<T>::choose, nb::arg("X").none(), nb::arg("middle") = 0.0);
}

nb::object open_predictor(std::vector<LayerText> layers, nb::handle parameters, std::vector<double> center,
                          std::vector<double> scale, const std::string& dtype, std::vector<HeadText> heads,
                          std::vector<ExtraText> extras, nb::handle buffers, PreludeText prelude) {
    const PredictorText text{std::move(layers), std::move(heads), std::move(extras), std::move(prelude)};
    if (dtype == "float32")
        return made<BoundPredictor<float>>(text, parameters, buffers, std::move(center), std::move(scale));
    if (dtype == "float64")
        return made<BoundPredictor<double>>(text, parameters, buffers, std::move(center), std::move(scale));
    refuse("dtype must be 'float32' or 'float64' (got '" + dtype + "').");
}

}  // namespace

template <class T>
nb::object open_live_predictor(nb::object owner, const Panels<T>& panels, std::optional<Activation> last,
                               const Scaling& inputs) {
    return made<BoundPredictor<T>>(std::move(owner), panels, last, inputs);
}
template nb::object open_live_predictor(nb::object, const Panels<float>&, std::optional<Activation>,
                                        const Scaling&);
template nb::object open_live_predictor(nb::object, const Panels<double>&, std::optional<Activation>,
                                        const Scaling&);

void bind_predictors(nb::module_& m) {
    bind_predictor<float>(m, "Predictor32");
    bind_predictor<double>(m, "Predictor64");
    m.def("Predictor", &open_predictor, nb::arg("layers"), nb::arg("parameters"),
          nb::arg("center") = std::vector<double>{}, nb::arg("scale") = std::vector<double>{},
          nb::arg("dtype") = "float64", nb::arg("heads") = std::vector<HeadText>{},
          nb::arg("extras") = std::vector<ExtraText>{}, nb::arg("buffers").none() = nb::none(),
          nb::arg("prelude") = no_prelude);
}

}  // namespace deltarule::bindings
