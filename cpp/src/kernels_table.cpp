// The table of one instruction set.

#include "deltarule/activations.hpp"
#include "deltarule/products.hpp"
#include "kernels_isa.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

template <class T>
void activate_numbers(Activation kind, T parameter, T* z, T* slope, int64_t count, bool output) {
    FlushDenormals guard;
    activate<T>(kind, z, slope, count / lanes<T>, lanes<T>, parameter, output);
}

template <class T>
constexpr Kernels<T> table_of = {lanes<T>,
                                 int(strip<T>),
                                 int(rectangle_rows),
                                 int(rectangle_rows) * tile_vectors * lanes<T>,
                                 &strip_vectors,
                                 &cut_weights,
                                 &sample_steps<T>,
                                 &sample_road<T>,
                                 &settle<T>,
                                 &strip_pass<T>,
                                 &weight_pass<T>,
                                 &part_pass<T>,
                                 &sum_pass<T>,
                                 &step_pass<T>,
                                 &combine_batch<T>,
                                 &follow_batch<T>,
                                 &square_pass<T>,
                                 &update_pass<T>,
                                 &average_pass<T>,
                                 &activate_numbers<T>,
                                 &predict_rows<T>,
                                 {&lane_steps<T>, &lane_look<T>}};

}  // namespace

extern const Kernels<float> table32;
extern const Kernels<double> table64;
const Kernels<float> table32 = table_of<float>;
const Kernels<double> table64 = table_of<double>;

}  // namespace deltarule::DELTARULE_ISA
