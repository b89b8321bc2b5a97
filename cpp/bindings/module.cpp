// The Python module deltarule._core: a table of contents. The files of this folder know names, numbers
// and arrays, no class of the Python side.

#include "bindings.hpp"
#include "deltarule/kernels.hpp"

NB_MODULE(_core, m) {
    m.doc() = "The compiled core of deltarule.";
    deltarule::choose_isa();  // a DELTARULE_ISA that cannot run is an error of the import
    deltarule::bindings::bind_numbers(m);
    deltarule::bindings::bind_sessions(m);
    deltarule::bindings::bind_predictors(m);
    deltarule::bindings::bind_learners(m);
    deltarule::bindings::bind_lanes(m);
}
