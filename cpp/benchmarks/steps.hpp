#pragma once

namespace deltarule::benchmarks {

/// Prints the microseconds of whole steps, of the workloads whose name contains this, as one JSON object.
void print_steps(const char* part_of_name);

}  // namespace deltarule::benchmarks
