#pragma once
#include "deltarule/kernels.hpp"
#include "deltarule/simd.hpp"

/// The kernels of one instruction set, put into its table by kernels_table.cpp.
namespace deltarule::DELTARULE_ISA {

/// Hidden units of a network that stays in registers.
constexpr int64_t tiny_units = 32;

template <class T>
int64_t sample_steps(SampleRun<T>& run);
template <class T>
Road sample_road(const Network& network, const Update<T>& update);
/// The same for rules that are linear in the gradient (kernels_look_ahead.cpp).
template <class T>
int64_t look_ahead(SampleRun<T>& run);
/// The same for SGD on a narrow network (kernels_tiny.cpp).
template <class T>
int64_t tiny(SampleRun<T>& run);
template <class T>
bool is_tiny(const Network& network, const Update<T>& update);
template <class T>
void settle(SampleRun<T>& run);
template <class T>
void predict_rows(const Rows<T>& rows);
template <class T>
void strip_pass(void* batch, int worker, int64_t strip);
template <class T>
void weight_pass(void* batch, int worker, int64_t task);
template <class T>
void part_pass(void* batch, int worker, int64_t part);
template <class T>
void sum_pass(void* batch, int worker, int64_t task);
template <class T>
double step_pass(Batch<T>& batch);
template <class T>
void combine_batch(const Batch<T>& batch);
template <class T>
void follow_batch(const Batch<T>& batch);
template <class T>
void square_pass(void* batch, int worker, int64_t task);
template <class T>
void update_pass(void* batch, int worker, int64_t task);
template <class T>
void average_pass(void* batch, int worker, int64_t piece);
template <class T>
void lane_steps(const LaneRun<T>& run);
template <class T>
void lane_look(const LaneLook<T>& look);

}  // namespace deltarule::DELTARULE_ISA
