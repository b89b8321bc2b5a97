#include "deltarule/session.hpp"

#include <algorithm>
#include <cstring>

#include "bindings.hpp"
#include "calls.hpp"
#include "names.hpp"

namespace deltarule::bindings {
namespace {

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

}  // namespace

void bind_sessions(nb::module_& m) {
    bind_session<float>(m, "Session32");
    bind_session<double>(m, "Session64");
    m.def("Session", &open_session, nb::arg("layers"), nb::arg("loss"), nb::arg("loss_parameter") = 0.0,
          nb::arg("dtype") = "float64", nb::arg("n_threads") = 1);
}

}  // namespace deltarule::bindings
