#include "deltarule/lanes.hpp"

#include <nanobind/stl/map.h>

#include <algorithm>
#include <map>

#include "bindings.hpp"
#include "calls.hpp"
#include "names.hpp"

// Many trainings at once. What differs between them comes as columns: arrays of one entry each.
namespace deltarule::bindings {
namespace {

using Columns = std::map<std::string, nb::object>;
using Objects = std::vector<nb::object>;

/// An array that is written to.
double* record_of(nb::handle object, const std::string& name, int64_t length, Held& held) {
    nb::ndarray<double, nb::ndim<1>, nb::c_contig, nb::device::cpu> array;
    if (!nb::try_cast(object, array, false) || int64_t(array.shape(0)) != length)
        refuse(name +
               " must hold writeable float64 arrays, one for each training and as long as its "
               "max_epochs.");
    held.emplace_back(array);
    return array.data();
}

template <class T>
class BoundLanes {
public:
    using Job = LaneJob<T>;

    BoundLanes(const std::vector<LayerText>& layers, const std::string& loss, double loss_parameter,
               int n_threads)
        : session_(layers_of(layers), loss_of(loss), loss_parameter, n_threads) {
        session_.ask_whether_to_end([this] { return signals_.raised(); });
    }
    BoundLanes(const BoundLanes&) = delete;  // the session knows where this one lives

    void bind(nb::object X, nb::object D, nb::object sample_weight) {
        const Use use(busy_);
        Held held;
        Samples<T> samples = samples_of<T>(X, session_.layers().front().inputs, held);
        if (!samples.dense) refuse("lanes take dense rows. Train the networks one by one.");
        if (samples.rows < 1 || samples.rows >= int64_t(1) << 31)
            refuse("lanes take from 1 to 2**31 - 1 rows (got " + std::to_string(samples.rows) + ").");
        add_targets(samples, D, sample_weight, session_.layers().back().units, held);
        session_.bind(samples);
        bound_.swap(held);
    }

    /// `parameters` (trainings, size) and `moments` (trainings, count, size) are the starts. `folds`
    /// holds row numbers, or None for all rows; `factors`, None or one factor for every step; `losses`
    /// and `seconds` receive a number for every epoch.
    void run(const std::string& order, int64_t batch_size, const std::string& optimizer, nb::object keys,
             nb::object parameters, nb::object moments, const Columns& columns, const Objects& folds,
             const Objects& factors, const Objects& losses, const Objects& seconds) {
        const Use use(busy_);
        if (!session_.bound().target) refuse("bind the training rows before a run.");
        if (batch_size < 1) refuse("batch_size must be at least 1 (got " + std::to_string(batch_size) + ").");
        Held held;
        LaneWork work;
        work.order = order_of(order);
        work.batch_size = batch_size;
        work.optimizer = optimizer_of(optimizer);
        start(parameters, moments, keys, work.optimizer);
        for (const Objects* each : {&folds, &factors, &losses, &seconds})
            if (each->size() != jobs_.size())
                refuse("folds, factors, losses and seconds must have one entry for each of the " +
                       std::to_string(jobs_.size()) + " trainings.");
        for (const auto& [name, array] : columns) set_column(name, array);
        for (size_t j = 0; j < jobs_.size(); ++j) {
            const int64_t rows = set_fold(jobs_[j], folds[j], held);
            if (j > 0 && rows != work.rows) refuse("folds must all have the same number of rows.");
            work.rows = rows;
        }
        for (size_t j = 0; j < jobs_.size(); ++j) {
            Job& job = jobs_[j];
            const int64_t steps = (work.rows - 1) / std::min(batch_size, work.rows) + 1;
            if (job.max_epochs < 0 || job.max_epochs > largest / steps || job.epoch < 0 || job.clock < 0 ||
                job.epoch > largest || job.clock > largest)
                refuse("max_epochs, epoch and clock must be counts, at most 2**61 steps in all.");
            job.losses = record_of(losses[j], "losses", job.max_epochs, held);
            job.seconds = record_of(seconds[j], "seconds", job.max_epochs, held);
            if (!factors[j].is_none())
                job.factors = data_of<double>(factors[j], "factors", {job.max_epochs * steps}, held);
            work.has_l1 |= job.l1 != 0;
            work.penalised |= job.l1 != 0 || job.l2 != 0;
        }
        signals_.begin();
        {
            nb::gil_scoped_release release;
            session_.run(work, jobs_);
        }
        if (session_.ended()) throw nb::python_error();
    }

    Output<T> parameters() {
        const Use use(busy_);
        return copied(parameters_, {jobs_.size(), size_t(session_.size())});
    }
    Output<T> moments() {
        const Use use(busy_);
        const size_t count = jobs_.empty() ? 0 : size_t(moment_count(jobs_[0].optimizer.kind));
        return copied(moments_, {jobs_.size(), count, size_t(session_.size())});
    }
    /// Where the trainings stand: the columns, with `done` and `end` as numbers.
    nb::dict columns() {
        const Use use(busy_);
        nb::dict found;
        for (const auto& [name, entry] : numbers()) found[name.c_str()] = column<double>(entry);
        for (const auto& [name, entry] : counts()) found[name.c_str()] = column<int64_t>(entry);
        auto ends = new_array<int64_t>({jobs_.size()});
        for (size_t j = 0; j < jobs_.size(); ++j) ends.data()[j] = int64_t(jobs_[j].end);
        found["end"] = ends;
        return found;
    }

private:
    template <class N>
    using Entry = N& (*)(Job&);

    static const std::map<std::string, Entry<double>>& numbers() {
        static const std::map<std::string, Entry<double>> all = {
            {"rate", [](Job& job) -> double& { return job.rules.rate; }},
            {"first", [](Job& job) -> double& { return job.optimizer.first; }},
            {"second", [](Job& job) -> double& { return job.optimizer.second; }},
            {"epsilon", [](Job& job) -> double& { return job.optimizer.epsilon; }},
            {"weight_decay", [](Job& job) -> double& { return job.optimizer.weight_decay; }},
            {"l1", [](Job& job) -> double& { return job.l1; }},
            {"l2", [](Job& job) -> double& { return job.l2; }},
            {"scale", [](Job& job) -> double& { return job.scale; }},
            {"n", [](Job& job) -> double& { return job.n; }},
            {"tolerance", [](Job& job) -> double& { return job.rules.least; }},
            {"divisor", [](Job& job) -> double& { return job.rules.divisor; }},
            {"smallest", [](Job& job) -> double& { return job.rules.smallest; }},
            {"rate_factor", [](Job& job) -> double& { return job.standing.rate_factor; }},
            {"best_loss", [](Job& job) -> double& { return job.standing.best_loss; }},
        };
        return all;
    }
    static const std::map<std::string, Entry<int64_t>>& counts() {
        static const std::map<std::string, Entry<int64_t>> all = {
            {"max_epochs", [](Job& job) -> int64_t& { return job.max_epochs; }},
            {"patience", [](Job& job) -> int64_t& { return job.rules.patience; }},
            {"stalled", [](Job& job) -> int64_t& { return job.standing.stalled; }},
            {"epoch", [](Job& job) -> int64_t& { return job.epoch; }},
            {"clock", [](Job& job) -> int64_t& { return job.clock; }},
            {"done", [](Job& job) -> int64_t& { return job.done; }},
        };
        return all;
    }

    void start(nb::handle parameters, nb::handle moments, nb::handle keys, Optimizer optimizer) {
        Held held;
        const int64_t size = session_.size(), kept = moment_count(optimizer);
        const T* const first = data_of<T>(parameters, "parameters", {-1, size}, held);
        const int64_t count = int64_t(held.back().shape(0));
        const T* const rows = data_of<T>(moments, "moments", {count, kept, size}, held);
        const uint64_t* const key = data_of<uint64_t>(keys, "keys", {count}, held);
        parameters_.assign(first, first + count * size);
        moments_.assign(rows, rows + count * kept * size);
        jobs_.assign(size_t(count), Job{});
        for (int64_t j = 0; j < count; ++j) {
            Job& job = jobs_[size_t(j)];
            job.parameters = parameters_.data() + j * size;
            job.moments = moments_.data() + j * kept * size;
            job.key = key[j];
            job.optimizer.kind = optimizer;
        }
    }

    void set_column(const std::string& name, nb::handle array) {
        const auto number = numbers().find(name);
        const auto count = counts().find(name);
        const std::vector<int64_t> shape{int64_t(jobs_.size())};
        if (name == "done" || (number == numbers().end() && count == counts().end()))
            refuse("there is no column '" + name + "'.");
        Held held;
        if (number != numbers().end()) {
            const double* const from = data_of<double>(array, name, shape, held);
            for (size_t j = 0; j < jobs_.size(); ++j) number->second(jobs_[j]) = from[j];
        } else {
            const int64_t* const from = data_of<int64_t>(array, name, shape, held);
            for (size_t j = 0; j < jobs_.size(); ++j) count->second(jobs_[j]) = from[j];
        }
        for (Job& job : jobs_) job.rules.adaptive = job.rules.divisor != 1;
    }

    /// How many rows the fold has.
    int64_t set_fold(Job& job, nb::handle fold, Held& held) {
        const int64_t all = session_.bound().rows;
        if (fold.is_none()) return all;
        job.rows = data_of<int64_t>(fold, "folds", {-1}, held);
        const int64_t count = int64_t(held.back().shape(0));
        if (count < 1 || count >= int64_t(1) << 31) refuse("a fold needs at least one row.");
        for (int64_t i = 0; i < count; ++i)
            if (job.rows[i] < 0 || job.rows[i] >= all)
                refuse("folds must hold row numbers from 0 to " + std::to_string(all - 1) + " (got " +
                       std::to_string(job.rows[i]) + ").");
        return count;
    }

    template <class N>
    Output<N> column(Entry<N> entry) {
        auto array = new_array<N>({jobs_.size()});
        for (size_t j = 0; j < jobs_.size(); ++j) array.data()[j] = entry(jobs_[j]);
        return array;
    }
    static Output<T> copied(const std::vector<T>& from, std::vector<size_t> shape) {
        auto array = new_array<T>(std::move(shape));
        std::copy(from.begin(), from.end(), array.data());
        return array;
    }

    Signals signals_;
    bool busy_ = false;  ///< guarded by Python's lock
    LaneSession<T> session_;
    Held bound_;  ///< whose memory the session refers to
    std::vector<T> parameters_, moments_;
    std::vector<Job> jobs_;
};

template <class T>
void bind_as(nb::module_& m, const char* name) {
    using Lanes = BoundLanes<T>;
    nb::class_<Lanes>(m, name)
        .def("bind", &Lanes::bind, nb::arg("X"), nb::arg("D"), nb::arg("sample_weight").none() = nb::none())
        .def("run", &Lanes::run, nb::arg("order"), nb::arg("batch_size"), nb::arg("optimizer"),
             nb::arg("keys"), nb::arg("parameters"), nb::arg("moments"), nb::arg("columns"), nb::arg("folds"),
             nb::arg("factors"), nb::arg("losses"), nb::arg("seconds"))
        .def("parameters", &Lanes::parameters)
        .def("moments", &Lanes::moments)
        .def("columns", &Lanes::columns);
}

nb::object open_lanes(const std::vector<LayerText>& layers, const std::string& loss, double loss_parameter,
                      const std::string& dtype, int64_t asked) {
    const int n_threads = int(std::clamp<int64_t>(asked, 1, 1 << 20));
    if (dtype == "float32") return made<BoundLanes<float>>(layers, loss, loss_parameter, n_threads);
    if (dtype == "float64") return made<BoundLanes<double>>(layers, loss, loss_parameter, n_threads);
    refuse("dtype must be 'float32' or 'float64' (got '" + dtype + "').");
}

int lanes_of(const std::string& dtype) {
    return dtype == "float32" ? kernels<float>().lanes : kernels<double>().lanes;
}

}  // namespace

void bind_lanes(nb::module_& m) {
    bind_as<float>(m, "Lanes32");
    bind_as<double>(m, "Lanes64");
    m.def("Lanes", &open_lanes, nb::arg("layers"), nb::arg("loss"), nb::arg("loss_parameter") = 0.0,
          nb::arg("dtype") = "float64", nb::arg("n_threads") = 1);
    m.def("lanes", &lanes_of, nb::arg("dtype"));
}

}  // namespace deltarule::bindings
