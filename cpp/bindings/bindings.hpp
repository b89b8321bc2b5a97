#pragma once
#include <nanobind/nanobind.h>

/// The chapters of the Python module: one function and one file each.
namespace deltarule::bindings {

void bind_sessions(nanobind::module_& m);
void bind_lanes(nanobind::module_& m);
void bind_numbers(nanobind::module_& m);
void bind_predictors(nanobind::module_& m);
void bind_learners(nanobind::module_& m);

}  // namespace deltarule::bindings
