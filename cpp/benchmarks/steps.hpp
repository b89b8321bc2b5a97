#pragma once

namespace deltarule::benchmarks {

/// Prints the microseconds of whole steps, of the workloads whose name contains this, as one JSON object.
void print_steps(const char* part_of_name);

/// Prints what normalisation, dropout, clipping and averages multiply the time of these steps by.
void print_options(const char* part_of_name);

}  // namespace deltarule::benchmarks
