// The Python module deltarule._core: a table of contents at the end, and above it what checks the
// arrays that come in. It knows names, numbers and arrays, no class of the Python side.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "deltarule/session.hpp"

namespace nb = nanobind;
using namespace deltarule;

namespace {

/// Counts and clocks end here, so that sums of two of them are numbers still.
constexpr int64_t largest = int64_t(1) << 61;

using Input = nb::ndarray<nb::ro, nb::device::cpu>;
template <class T>
using Output = nb::ndarray<nb::numpy, T>;

// ------------------------------------------------------------------- names

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

Activation activation_of(const std::string& name) {
    return named<Activation>(name,
                             {"identity", "logistic", "tanh", "relu", "leaky_relu", "sign", "softmax",
                              "softplus", "selu", "gelu", "silu", "mish", "exp"},
                             "activation");
}

Loss loss_of(const std::string& name) {
    return named<Loss>(
        name, {"squared_error", "absolute_error", "huber", "quantile", "poisson", "log_loss", "perceptron"},
        "loss");
}

Optimizer optimizer_of(const std::string& name) {
    return named<Optimizer>(name, {"sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"}, "optimizer");
}

OrderKind order_of(const std::string& name) {
    return named<OrderKind>(name, {"replacement", "shuffle", "sequential"}, "order");
}

// ------------------------------------------------------------------- arrays

[[noreturn]] void refuse(const std::string& sentence) { throw nb::value_error(sentence.c_str()); }

/// A number of Python's that fits, or a sentence.
template <class T>
T number_of(nb::handle object, const std::string& must) {
    T number{};
    if (!nb::try_cast<T>(object, number)) refuse(must + ".");
    return number;
}

/// An array whose memory is there to be read as it is: no list, no foreign byte order, no objects.
Input array_of(nb::handle object, const std::string& name) {
    Input array;
    if (object.is_none() || !nb::try_cast<Input>(object, array))
        refuse(name + " must be an array of numbers in this machine's byte order. Pass numpy.asarray of it.");
    return array;
}

std::string shape_text(const std::vector<int64_t>& shape) {
    std::string text = "(";
    for (int64_t extent : shape) text += (extent < 0 ? "any" : std::to_string(extent)) + ", ";
    if (shape.empty()) return "()";
    return text.substr(0, text.size() - 2) + ")";
}

bool contiguous(const Input& array) {
    if (array.size() == 0) return true;
    int64_t step = 1;
    for (size_t axis = array.ndim(); axis-- > 0; step *= int64_t(array.shape(axis)))
        if (array.shape(axis) > 1 && array.stride(axis) != step) return false;
    return true;
}

/// The data of an array of exactly this type and shape; -1 stands for any extent.
template <class T>
const T* data_of(const Input& array, const std::string& name, const std::vector<int64_t>& shape) {
    bool fits = array.ndim() == shape.size();
    std::vector<int64_t> got;
    for (size_t axis = 0; axis < array.ndim(); ++axis) {
        got.push_back(int64_t(array.shape(axis)));
        if (axis < shape.size() && shape[axis] >= 0 && shape[axis] != got.back()) fits = false;
    }
    if (!fits) refuse(name + " must have the shape " + shape_text(shape) + " (got " + shape_text(got) + ").");
    if (array.dtype() != nb::dtype<T>())
        refuse(name + " must hold " +
               (nb::dtype<T>().code == uint8_t(nb::dlpack::dtype_code::Float) ? "float" : "int") +
               std::to_string(8 * sizeof(T)) + " numbers, as the session does. Convert it first.");
    if (!contiguous(array)) refuse(name + " must be C-contiguous. Pass numpy.ascontiguousarray of it.");
    return static_cast<const T*>(array.data());
}

template <class T>
Output<T> new_array(std::vector<size_t> shape) {
    size_t count = 1;
    for (size_t extent : shape) count *= extent;
    T* data = new T[count ? count : 1]();
    nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    return Output<T>(data, shape.size(), shape.data(), owner);
}

template <class T>
const T* data_of(nb::handle object, const std::string& name, const std::vector<int64_t>& shape) {
    return data_of<T>(array_of(object, name), name, shape);
}

/// Columns must lie inside, rows must not run backwards: the kernels do not look.
template <class Index>
void check_sparse(const Index* columns, const Index* starts, int64_t rows, int64_t width, int64_t stored) {
    if (starts[0] != 0 || starts[rows] != stored)
        refuse("indptr of X must run from 0 to the number of stored values.");
    for (int64_t i = 0; i < rows; ++i)
        if (starts[i] > starts[i + 1]) refuse("indptr of X must not decrease.");
    for (int64_t i = 0; i < stored; ++i)
        if (columns[i] < 0 || columns[i] >= width)
            refuse("indices of X must be column numbers below " + std::to_string(width) + ".");
}

/// X: an array, or the CSR tuple (data, indices, indptr, (rows, columns)).
template <class T>
Samples<T> samples_of(nb::handle X, int64_t width) {
    Samples<T> samples;
    if (!nb::isinstance<nb::tuple>(X)) {
        const Input dense = array_of(X, "X");
        samples.dense = data_of<T>(dense, "X", {-1, width});
        samples.rows = int64_t(dense.shape(0));
        return samples;
    }
    const auto parts = nb::cast<nb::tuple>(X);
    nb::tuple shape;
    if (parts.size() != 4 || !nb::try_cast<nb::tuple>(parts[3], shape) || shape.size() != 2)
        refuse("X must be an array or the CSR tuple (data, indices, indptr, (rows, columns)).");
    const Input data = array_of(parts[0], "data of X"), indices = array_of(parts[1], "indices of X"),
                indptr = array_of(parts[2], "indptr of X");
    samples.rows = number_of<int64_t>(shape[0], "the rows of X must be an integer");
    if (samples.rows < 0 || samples.rows > largest)
        refuse("X must have at least 0 rows (got " + std::to_string(samples.rows) + ").");
    if (number_of<int64_t>(shape[1], "the columns of X must be an integer") != width)
        refuse("X must have " + std::to_string(width) + " columns.");
    samples.values = data_of<T>(data, "data of X", {-1});
    const int64_t stored = int64_t(data.shape(0));
    if (indices.dtype() == nb::dtype<int32_t>()) {
        samples.columns32 = data_of<int32_t>(indices, "indices of X", {stored});
        samples.starts32 = data_of<int32_t>(indptr, "indptr of X", {samples.rows + 1});
        check_sparse(samples.columns32, samples.starts32, samples.rows, width, stored);
    } else {
        samples.columns64 = data_of<int64_t>(indices, "indices of X", {stored});
        samples.starts64 = data_of<int64_t>(indptr, "indptr of X", {samples.rows + 1});
        check_sparse(samples.columns64, samples.starts64, samples.rows, width, stored);
    }
    return samples;
}

template <class T>
void add_targets(Samples<T>& samples, nb::handle D, nb::handle weight, int64_t units) {
    samples.target = data_of<T>(D, "D", {samples.rows, units});
    if (!weight.is_none()) samples.weight = data_of<T>(weight, "sample_weight", {samples.rows});
}

// ------------------------------------------------------------------- the session

using LayerText = std::tuple<int64_t, int64_t, std::string, double, bool>;

std::vector<Layer> layers_of(const std::vector<LayerText>& texts) {
    if (texts.empty()) refuse("layers must hold at least one layer (got none).");
    constexpr int64_t most = int64_t(1) << 40;  // numbers of one layer: far more than memory has
    std::vector<Layer> layers;
    for (const auto& [inputs, units, activation, parameter, bias] : texts) {
        if (inputs < 1 || units < 1) refuse("a layer needs at least one input and one unit.");
        if (inputs > most || units > most / inputs)
            refuse("a layer of " + std::to_string(inputs) + " inputs and " + std::to_string(units) +
                   " units does not fit into memory. Make it smaller.");
        if (!layers.empty() && layers.back().units != inputs)
            refuse("the inputs of a layer must be the units of the one below.");
        layers.push_back({inputs, units, activation_of(activation), parameter, bias, 0, 0, 0});
    }
    return layers;
}

/// Lets Python see the signals that came while its lock was free. Only its main thread hears them;
/// elsewhere the answer is no after the first question, without asking for the lock again.
class Signals {
public:
    void begin() { deaf_ = false; }
    /// Whether a handler raised; the exception is then Python's current one.
    bool raised() {
        if (deaf_) return false;
        nb::gil_scoped_acquire acquire;
        try {
            const auto main = nb::module_::import_("threading").attr("main_thread")().attr("ident");
            deaf_ = nb::cast<unsigned long>(main) != PyThread_get_thread_ident();
        } catch (nb::python_error& error) {  // a handler ran in there
            error.restore();
            return true;
        }
        return !deaf_ && PyErr_CheckSignals() != 0;
    }

private:
    bool deaf_ = false;
};

/// Keeps a session to one call at a time, whatever threads and signal handlers do.
class Use {
public:
    explicit Use(bool& busy) : busy_(busy) {
        if (busy) refuse("the session is at work in another call. Open a session for each thread.");
        busy_ = true;
    }
    ~Use() { busy_ = false; }
    Use(const Use&) = delete;

private:
    bool& busy_;
};

/// A session of the core, and the Python objects whose memory it refers to.
template <class T>
class Bound {
public:
    Bound(const std::vector<LayerText>& layers, const std::string& loss, double loss_parameter, int n_threads)
        : session_(layers_of(layers), loss_of(loss), loss_parameter, n_threads) {
        const Activation last = session_.layers().back().activation;
        if (loss_of(loss) == Loss::log_loss && last != Activation::softmax && last != Activation::logistic)
            refuse("log_loss is defined for the output activations softmax and logistic.");
        session_.ask_whether_to_end([this] { return signals_.raised(); });
    }
    Bound(const Bound&) = delete;  // the session knows where this one lives

    void set_parameters(nb::handle vector) {
        const Use use(busy_);
        session_.set_parameters(data_of<T>(vector, "parameters", {session_.size()}));
    }
    Output<T> parameters() const {
        auto vector = new_array<T>({size_t(session_.size())});
        session_.parameters(vector.data());
        return vector;
    }

    /// The four numbers in the order of the Python side's `hyperparameters`.
    void set_optimizer(const std::string& name, std::tuple<double, double, double, double> numbers) {
        const Use use(busy_);
        const auto [p1, p2, p3, p4] = numbers;
        const Optimizer kind = optimizer_of(name);
        const bool changed = kind != session_.optimizer().kind;
        if (kind == Optimizer::rmsprop) session_.set_optimizer({kind, p1, 0, p2, 0});
        else session_.set_optimizer({kind, p1, p2, p3, p4});
        if (changed) session_.set_moments(nullptr);
    }
    void set_moments(nb::handle moments) {
        const Use use(busy_);
        session_.set_moments(
            data_of<T>(moments, "moments", {moment_count(session_.optimizer().kind), session_.size()}));
    }
    Output<T> moments() const {
        auto rows = new_array<T>({size_t(moment_count(session_.optimizer().kind)), size_t(session_.size())});
        session_.moments(rows.data());
        return rows;
    }

    void bind(nb::object X, nb::object D, nb::object sample_weight) {
        const Use use(busy_);
        Samples<T> samples = samples_of<T>(X, inputs());
        add_targets(samples, D, sample_weight, outputs());
        session_.bind(samples);
        kept_ = nb::make_tuple(X, D, sample_weight);
    }

    nb::tuple run(nb::object order, int64_t first_step, int64_t batch_size, nb::object rates, double l1,
                  double l2, double scale, int64_t clock, double carried) {
        const Use use(busy_);
        if (!session_.bound().target) refuse("bind the training rows before a run.");
        RunPlan plan;
        const Input steps = array_of(rates, "rates");
        plan.rates = data_of<double>(steps, "rates", {-1});
        plan.steps = int64_t(steps.shape(0));
        plan.first_step = first_step;
        plan.batch_size = batch_size;
        plan.l1 = l1;
        plan.l2 = l2;
        plan.scale = scale;
        plan.clock = clock;
        plan.carried = carried;
        if (batch_size < 1) refuse("batch_size must be at least 1 (got " + std::to_string(batch_size) + ").");
        if (first_step < 0 || first_step > largest || clock < -largest || clock > largest)
            refuse("first_step must be from 0 to 2**61 and clock from -2**61 to 2**61 (got " +
                   std::to_string(first_step) + " and " + std::to_string(clock) + ").");
        set_order(plan.order, order);
        if ((plan.order.array ? plan.order.length : session_.bound().rows) < 1)
            refuse("a run needs at least one row.");
        const RunReport report = outside([&] { return session_.run(plan); });
        auto losses = new_array<double>({report.losses.size()});
        std::memcpy(losses.data(), report.losses.data(), report.losses.size() * sizeof(double));
        return nb::make_tuple(report.steps, losses, report.finite);
    }

    Output<T> predict(nb::object X) {
        const Use use(busy_);
        const Samples<T> samples = samples_of<T>(X, inputs());
        auto predictions = new_array<T>({size_t(samples.rows), size_t(outputs())});
        outside([&] { return session_.predict(samples, predictions.data()), 0; });
        return predictions;
    }

    double loss(nb::object X, nb::object D, nb::object sample_weight) {
        const Use use(busy_);
        Samples<T> samples = samples_of<T>(X, inputs());
        add_targets(samples, D, sample_weight, outputs());
        return outside([&] { return session_.loss(samples); });
    }

    nb::tuple loss_gradient(nb::object X, nb::object D, nb::object sample_weight) {
        const Use use(busy_);
        Samples<T> samples = samples_of<T>(X, inputs());
        add_targets(samples, D, sample_weight, outputs());
        auto gradient = new_array<T>({size_t(session_.size())});
        const double loss = outside([&] { return session_.loss(samples, gradient.data()); });
        return nb::make_tuple(loss, gradient);
    }

private:
    int64_t inputs() const { return session_.layers().front().inputs; }
    int64_t outputs() const { return session_.layers().back().units; }

    /// Works without Python's lock; a signal handler that raised meanwhile raises from here.
    template <class Function>
    auto outside(Function work) {
        signals_.begin();
        auto result = [&] {
            nb::gil_scoped_release release;
            return work();
        }();
        if (session_.ended()) throw nb::python_error();
        return result;
    }

    void set_order(OrderSource& to, nb::handle order) {
        if (nb::isinstance<nb::tuple>(order)) {
            std::string kind;
            if (nb::len(order) != 2 || !nb::try_cast<std::string>(order[0], kind))
                refuse("order must be an array of row numbers or the rule (kind, key).");
            to.kind = order_of(kind);
            to.key = number_of<uint64_t>(order[1], "the key of an order must be from 0 to 2**64 - 1");
            return;
        }
        const Input array = array_of(order, "order");
        to.array = data_of<int64_t>(array, "order", {-1});
        to.length = int64_t(array.shape(0));
        for (int64_t i = 0; i < to.length; ++i)
            if (to.array[i] < 0 || to.array[i] >= session_.bound().rows)
                refuse("order must hold row numbers from 0 to " + std::to_string(session_.bound().rows - 1) +
                       " (got " + std::to_string(to.array[i]) + ").");
    }

    Signals signals_;
    bool busy_ = false;  ///< guarded by Python's lock
    Session<T> session_;
    nb::object kept_;
};

template <class T>
void bind_session(nb::module_& m, const char* name) {
    nb::class_<Bound<T>>(m, name)
        .def("set_parameters", &Bound<T>::set_parameters, nb::arg("vector"))
        .def("parameters", &Bound<T>::parameters)
        .def("set_optimizer", &Bound<T>::set_optimizer, nb::arg("name"), nb::arg("numbers"))
        .def("set_moments", &Bound<T>::set_moments, nb::arg("moments"))
        .def("moments", &Bound<T>::moments)
        .def("bind", &Bound<T>::bind, nb::arg("X"), nb::arg("D"),
             nb::arg("sample_weight").none() = nb::none())
        .def("run", &Bound<T>::run, nb::arg("order"), nb::arg("first_step"), nb::arg("batch_size"),
             nb::arg("rates"), nb::arg("l1") = 0.0, nb::arg("l2") = 0.0, nb::arg("scale") = 1.0,
             nb::arg("clock") = 0, nb::arg("carried") = 0.0)
        .def("predict", &Bound<T>::predict, nb::arg("X"))
        .def("loss", &Bound<T>::loss, nb::arg("X"), nb::arg("D"),
             nb::arg("sample_weight").none() = nb::none())
        .def("loss_gradient", &Bound<T>::loss_gradient, nb::arg("X"), nb::arg("D"),
             nb::arg("sample_weight").none() = nb::none());
}

nb::object open_session(const std::vector<LayerText>& layers, const std::string& loss, double loss_parameter,
                        const std::string& dtype, int64_t asked) {
    const int n_threads = int(std::clamp<int64_t>(asked, 1, 1 << 20));  // a session takes what is useful
    if (dtype == "float32") return nb::cast(new Bound<float>(layers, loss, loss_parameter, n_threads));
    if (dtype == "float64") return nb::cast(new Bound<double>(layers, loss, loss_parameter, n_threads));
    refuse("dtype must be 'float32' or 'float64' (got '" + dtype + "').");
}

// ------------------------------------------------------------------- numbers for tests

Output<uint64_t> words_array(uint64_t key, uint64_t stream, uint64_t epoch, uint64_t start, int64_t count) {
    if (count < 0) refuse("count must not be negative (got " + std::to_string(count) + ").");
    auto out = new_array<uint64_t>({size_t(count)});
    words(key, stream, epoch, start, count, out.data());
    return out;
}

Output<int64_t> order_array(const std::string& kind, uint64_t key, uint64_t epoch, int64_t n) {
    if (n < 0 || n >= int64_t(1) << 32)
        refuse("n must be from 0 to 2**32 - 1 (got " + std::to_string(n) + ").");
    auto out = new_array<int64_t>({size_t(n)});
    order(order_of(kind), key, epoch, n, 0, n, out.data());
    return out;
}

template <class T>
nb::tuple activate_array(Activation kind, double parameter, const Input& z, bool output) {
    const T* from = data_of<T>(z, "z", {-1});
    const size_t count = z.shape(0), lanes = size_t(kernels<T>().lanes),
                 padded = (count + lanes - 1) / lanes * lanes;
    std::vector<T> value(padded), slope(padded);
    std::copy_n(from, count, value.begin());
    kernels<T>().activate(kind, T(parameter), value.data(), slope.data(), int64_t(padded), output);
    auto a = new_array<T>({count}), s = new_array<T>({count});
    std::copy_n(value.begin(), count, a.data());
    std::copy_n(slope.begin(), count, s.data());
    return nb::make_tuple(a, s);
}

nb::tuple activation(const std::string& name, double parameter, nb::object numbers, bool output) {
    const Input z = array_of(numbers, "z");
    if (activation_of(name) == Activation::softmax) refuse("softmax is not elementwise.");
    if (z.dtype() == nb::dtype<float>())
        return activate_array<float>(activation_of(name), parameter, z, output);
    return activate_array<double>(activation_of(name), parameter, z, output);
}

std::vector<std::string> available_isas() {
    std::vector<std::string> names;
    for (Isa isa : {Isa::plain, Isa::v2, Isa::v3, Isa::v4})
        if (isa_available(isa)) names.push_back(isa_name(isa));
    return names;
}

}  // namespace

NB_MODULE(_core, m) {
    m.doc() = "The compiled core of deltarule.";
    choose_isa();  // a DELTARULE_ISA that cannot run is an error of the import
    m.def("isa", [] { return std::string(isa_name(current_isa())); });
    m.def("available_isas", &available_isas);
    bind_session<float>(m, "Session32");
    bind_session<double>(m, "Session64");
    m.def("Session", &open_session, nb::arg("layers"), nb::arg("loss"), nb::arg("loss_parameter") = 0.0,
          nb::arg("dtype") = "float64", nb::arg("n_threads") = 1);
    m.def("words", &words_array, nb::arg("key"), nb::arg("stream"), nb::arg("epoch"), nb::arg("start"),
          nb::arg("count"));
    m.def("order", &order_array, nb::arg("kind"), nb::arg("key"), nb::arg("epoch"), nb::arg("n"));
    m.def("activation", &activation, nb::arg("name"), nb::arg("parameter"), nb::arg("z"),
          nb::arg("output") = false);
}
