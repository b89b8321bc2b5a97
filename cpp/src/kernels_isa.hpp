#pragma once
#include "deltarule/kernels.hpp"
#include "deltarule/simd.hpp"

/// The kernels of one instruction set, put into its table by kernels_table.cpp.
namespace deltarule::DELTARULE_ISA {

template <class T>
int64_t sample_steps(SampleRun<T>& run);
template <class T>
void strip_pass(void* batch, int worker, int64_t strip);
template <class T>
void weight_pass(void* batch, int worker, int64_t task);

}  // namespace deltarule::DELTARULE_ISA
