#include "learner.hpp"

#include <nanobind/stl/optional.h>

#include <limits>
#include <optional>

#include "bindings.hpp"
#include "calls.hpp"
#include "lent.hpp"
#include "names.hpp"

// Learning row by row, at the price of one call. As in predictor.cpp, what is not plainly a row and its
// target gets the answer None: the Python side converts it and comes again by `step_on`, or says what is
// wrong with it. Python's lock is held throughout; `Use` keeps out whoever comes in by a signal handler,
// or by the Python code that a schedule or a class may be.
namespace deltarule::bindings {
namespace {

Scaling scaling_of(ScalingText text, int64_t columns) {
    if (text.first.size() != text.second.size() ||
        (text.first.size() && int64_t(text.first.size()) != columns))
        refuse("center and scale must both have one number for each column, or none.");
    return {std::move(text.first), std::move(text.second)};
}

template <class T>
class BoundLearner {
public:
    BoundLearner(nb::object owner, Session<T>& session, bool& busy, const EpochPlan& plan, LearnerText text)
        : owner_(std::move(owner)),
          session_(session),
          busy_(busy),
          input_scaling_(scaling_of(std::move(text.inputs), session.inputs())),
          learner_(session, plan, input_scaling_,
                   scaling_of(std::move(text.targets), session.layers().back().units)),
          repeats_(text.repeats),
          factors_(std::move(text.factors)),
          classes_(nb::none()) {
        if (repeats_ != 1 && !(text.labels.is_none() && text.classes.is_none()))
            refuse("repeats are of numbers, not of labels or classes.");
        if (!text.labels.is_none()) {
            labels_ = nb::cast<std::pair<double, double>>(text.labels);
            take_weights(text.weights, {2, learner_.outputs()});
        }
        if (text.classes.is_none()) return;
        if (!PyDict_Check(text.classes.ptr())) refuse("classes must be a dict or None.");
        classes_ = std::move(text.classes);
        Held held;
        const T* const rows = data_of<T>(text.table, "table", {-1, learner_.outputs()}, held);
        table_.assign(rows, rows + held.back().size());
        take_weights(text.weights, {int64_t(table_.size()) / learner_.outputs()});
    }
    BoundLearner(const BoundLearner&) = delete;

    /// The objective; NaN where numbers became non-finite and nothing has changed; None where a row is
    /// not taken as it is.
    nb::object step(nb::handle x, nb::handle target, nb::handle weight) {
        const Use use(busy_, "learner");
        double heavy = 0;
        factor_ = 1;
        if (!take_input(x) || !take_target(target)) return nb::none();
        if (!number_at(weight, heavy) || !learner_.set_weight(double(T(heavy)) * factor_)) return nb::none();
        return done();
    }

    /// The same for a row and a target in the form of the network's own, whose numbers were looked at.
    nb::object step_on(nb::handle X, nb::handle D, double weight) {
        const Use use(busy_, "learner");
        Held held;
        learner_.set_plain(data_of<T>(X, "X", {1, learner_.inputs()}, held),
                           data_of<T>(D, "D", {1, learner_.outputs()}, held));
        if (!learner_.set_weight(weight)) refuse("weight must be a finite number of at least 0.");
        return done();
    }

    /// (steps, the sum of their objectives, verdict of the last, standing).
    nb::tuple stood() {
        const Use use(busy_, "learner");
        const Standing& now = learner_.standing();
        const auto standing = nb::make_tuple(now.rate_factor, now.best_loss, now.best_score, now.stalled);
        return nb::make_tuple(steps_, objectives_, int(learner_.verdict()), standing);
    }

    /// With another output activation, where one is named.
    nb::object predictor(const std::optional<std::string>& activation) {
        const Use use(busy_, "learner");
        std::optional<Activation> last;
        if (activation) last = activation_of(*activation);
        if (last && session_.numbers().network().head_count != 1)
            refuse("only a single head can have another activation.");
        return open_live_predictor<T>(owner_, session_.numbers(), last, input_scaling_);
    }

    /// What the collector of Python's cycles asks: a schedule may know the learner that asks it.
    int visit(visitproc visit, void* arg) const {
        Py_VISIT(owner_.ptr());
        Py_VISIT(factors_.ptr());
        Py_VISIT(classes_.ptr());
        return 0;
    }
    void let_go() {
        factors_ = nb::none();
        classes_ = nb::none();
    }

private:
    nb::object done() {
        double factor = 1;
        if (!factors_.is_none()) {
            if (next_ == ahead_.size()) look_ahead();
            factor = ahead_[next_];
        }
        switch (learner_.step(factor)) {
            case Stepped::non_finite: return nb::float_(std::numeric_limits<double>::quiet_NaN());
            case Stepped::ended_early: throw nb::python_error();
            default: break;
        }
        ++next_;
        ++steps_;
        const double objective = learner_.loss();
        objectives_ += objective;
        return nb::float_(objective);
    }

    void look_ahead() {
        Held held;
        const nb::object found = factors_(learner_.epoch());
        const double* const numbers = data_of<double>(found, "factors", {-1}, held);
        if (held.back().size() == 0) refuse("a schedule must give at least one factor.");
        ahead_.assign(numbers, numbers + held.back().size());
        next_ = 0;
    }

    void take_weights(nb::handle weights, const std::vector<int64_t>& shape) {
        if (weights.is_none()) return;
        Held held;
        const double* const numbers = data_of<double>(weights, "weights", shape, held);
        weights_.assign(numbers, numbers + held.back().size());
    }

    bool take_input(nb::handle x) {
        return each_number(x, learner_.inputs(), 1,
                           [&](const auto* row, int64_t step) { return learner_.set_input(row, step); });
    }

    bool take_target(nb::handle target) {
        if (!classes_.is_none()) return take_class(target);
        const int64_t columns = learner_.outputs() / repeats_;
        double number = 0;
        if (columns == 1 && !labels_ && number_at(target, number)) return take_numbers(&number, 1);
        const int axes = columns == 1 && !labels_ ? 0 : 1;  // a number of NumPy's is a buffer without axes
        return each_number(target, columns, axes, [&](const auto* row, int64_t step) {
            return labels_ ? take_labels(row, step) : take_numbers(row, step);
        });
    }

    template <class S>
    bool take_numbers(const S* row, int64_t step) {
        if (repeats_ == 1) return learner_.set_target(row, step);
        numbers_.resize(size_t(learner_.outputs()));
        for (int64_t k = 0; k < learner_.outputs(); ++k)
            numbers_[size_t(k)] = double(row[k / repeats_ * step]);
        return learner_.set_target(numbers_.data(), 1);
    }

    bool take_class(nb::handle target) {
        PyObject* const at = PyDict_GetItemWithError(classes_.ptr(), target.ptr());
        if (!at) return PyErr_Clear(), false;  // unknown, or nothing that can be looked up
        const size_t columns = size_t(learner_.outputs()), row = PyLong_AsSize_t(at);
        if (PyErr_Occurred()) return PyErr_Clear(), false;
        if (row < weights_.size()) factor_ = weights_[row];
        return row < table_.size() / columns && learner_.set_target(table_.data() + row * columns, 1);
    }

    template <class S>
    bool take_labels(const S* row, int64_t step) {
        numbers_.resize(size_t(learner_.outputs()));
        for (size_t k = 0; k < numbers_.size(); ++k) {
            const S entry = row[int64_t(k) * step];
            if (entry != 0 && entry != 1) return false;
            numbers_[k] = entry == 0 ? labels_->first : labels_->second;
            if (!weights_.empty()) factor_ *= weights_[entry == 0 ? k : numbers_.size() + k];
        }
        return learner_.set_target(numbers_.data(), 1);
    }

    /// Calls `take(first, step)` with the numbers of a row; false where it is none. A buffer has one
    /// axis, or `axes` of them.
    template <class Take>
    bool each_number(nb::handle row, int64_t count, int axes, Take take) {
        if (PyList_CheckExact(row.ptr()) || PyTuple_CheckExact(row.ptr()))
            return numbers_of(row, row_, count) && take(row_.data(), int64_t(1));
        if (PyBytes_Check(row.ptr()) || PyByteArray_Check(row.ptr())) return false;
        const Lent lent(row, 0);
        if (!lent) return false;
        if (lent.template holds<float>()) return in_buffer<float>(lent.view(), count, axes, take);
        if (lent.template holds<double>()) return in_buffer<double>(lent.view(), count, axes, take);
        return lent.as_integers([&]<class S>(S) {
            return in_buffer<S>(lent.view(), count, axes, [&](const S* row, int64_t step) {
                row_.resize(size_t(count));
                for (int64_t i = 0; i < count; ++i) row_[size_t(i)] = double(row[i * step]);
                return take(row_.data(), int64_t(1));
            });
        });
    }

    template <class S, class Take>
    static bool in_buffer(const Py_buffer& view, int64_t count, int axes, Take take) {
        constexpr int64_t size = sizeof(S);
        const S* const first = static_cast<const S*>(view.buf);
        if (reinterpret_cast<uintptr_t>(first) % size) return false;
        if (view.ndim == 0) return axes == 0 && take(first, int64_t(1));
        if (view.ndim != 1 || view.shape[0] != count || view.strides[0] % size) return false;
        return take(first, int64_t(view.strides[0]) / size);
    }

    nb::object owner_;  ///< of the session
    Session<T>& session_;
    bool& busy_;  ///< the session's own
    Scaling input_scaling_;
    Learner<T> learner_;
    int64_t repeats_;  ///< outputs for each number of the target
    nb::object factors_;
    std::vector<double> ahead_;  ///< factors of the steps to come, from `next_` on
    size_t next_ = 0;
    nb::object classes_;  ///< a dict, or None
    std::vector<T> table_;
    std::optional<std::pair<double, double>> labels_;
    std::vector<double> weights_;
    double factor_ = 1;  ///< of the weight of the row at hand
    std::vector<double> row_, numbers_;
    int64_t steps_ = 0;
    double objectives_ = 0;
};

template <class T>
int visit_learner(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    return nb::inst_ready(self) ? nb::inst_ptr<BoundLearner<T>>(self)->visit(visit, arg) : 0;
}

template <class T>
int clear_learner(PyObject* self) {
    nb::inst_ptr<BoundLearner<T>>(self)->let_go();
    return 0;
}

template <class T>
PyType_Slot slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(&visit_learner<T>)},
                       {Py_tp_clear, reinterpret_cast<void*>(&clear_learner<T>)},
                       {0, nullptr}};

template <class T>
void bind_learner(nb::module_& m, const char* name) {
    nb::class_<BoundLearner<T>>(m, name, nb::type_slots(slots<T>))
        .def("step", &BoundLearner<T>::step, nb::arg("x").none(), nb::arg("target").none(),
             nb::arg("weight").none())
        .def("step_on", &BoundLearner<T>::step_on, nb::arg("X"), nb::arg("D"), nb::arg("weight"))
        .def("stood", &BoundLearner<T>::stood)
        .def("predictor", &BoundLearner<T>::predictor, nb::arg("activation").none());
}

}  // namespace

template <class T>
nb::object open_learner(nb::object owner, Session<T>& session, bool& busy, const EpochPlan& plan,
                        LearnerText text) {
    return made<BoundLearner<T>>(std::move(owner), session, busy, plan, std::move(text));
}
template nb::object open_learner(nb::object, Session<float>&, bool&, const EpochPlan&, LearnerText);
template nb::object open_learner(nb::object, Session<double>&, bool&, const EpochPlan&, LearnerText);

void bind_learners(nb::module_& m) {
    bind_learner<float>(m, "Learner32");
    bind_learner<double>(m, "Learner64");
}

}  // namespace deltarule::bindings
