#pragma once
#include <nanobind/stl/pair.h>

#include <optional>
#include <utility>

#include "arrays.hpp"
#include "deltarule/learner.hpp"

/// What sessions, learners and predictors open for each other.
namespace deltarule::bindings {

/// Center and scale of columns, both empty for none.
using ScalingText = std::pair<std::vector<double>, std::vector<double>>;

/// What a stream's rows mean.
struct LearnerText {
    ScalingText inputs, targets;
    int64_t repeats;     ///< outputs side by side that have one number of the target
    nb::object classes;  ///< dict from a class to its row of `table`, or None
    nb::object table;    ///< targets of the classes, (classes, outputs)
    nb::object labels;   ///< targets (of a label that is not there, of one that is), or None
    nb::object weights;  ///< factors of a row's weight: (classes,), or (2, outputs) as `labels`; or None
    nb::object factors;  ///< called with an epoch: factors of the step size from there on; or None
};

/// Steps of a session from the epoch on where the plan stands. `busy` is the session's own.
template <class T>
nb::object open_learner(nb::object owner, Session<T>& session, bool& busy, const EpochPlan& plan,
                        LearnerText text);

/// Predictions with the numbers of a session as they are when it is asked.
template <class T>
nb::object open_live_predictor(nb::object owner, const Panels<T>& panels, std::optional<Activation> last,
                               const Scaling& inputs);

}  // namespace deltarule::bindings
