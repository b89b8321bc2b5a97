// One instruction set's elementwise functions; compiled with the flags of its kernels.

#include "deltarule/activations.hpp"
#include "elementwise_table.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

template <class T, class Function>
void in_place(T* x, int64_t count, Function function) {
    FlushDenormals guard;
    for (int64_t i = 0; i < count; i += lanes<T>) store(x + i, function(load(x + i)));
}

#define DELTARULE_FUNCTION(name, expression) \
    template <class T> \
    void name(T* numbers, int64_t count) { \
        in_place<T>(numbers, count, [](Vec<T> x) __attribute__((always_inline)) { return expression; }); \
    }
DELTARULE_FUNCTION(run_exp, exponential<T>(x))
DELTARULE_FUNCTION(run_expm1, exponential_minus_one<T>(x))
DELTARULE_FUNCTION(run_log, logarithm<T>(x))
DELTARULE_FUNCTION(run_log1p, logarithm_of_one_plus<T>(x))
DELTARULE_FUNCTION(run_tanh, hyperbolic_tangent<T>(x))
DELTARULE_FUNCTION(run_erf, error_function<T>(x))
DELTARULE_FUNCTION(run_cdf, normal<T>(x).cdf)
DELTARULE_FUNCTION(run_logistic, logistic<T>(x))
DELTARULE_FUNCTION(run_softplus, softplus<T>(x))
DELTARULE_FUNCTION(run_cosine, turned<T>(x).cosine)
DELTARULE_FUNCTION(run_sine, turned<T>(x).sine)
#undef DELTARULE_FUNCTION

}  // namespace

extern const ElementwiseTable elementwise_table;
const ElementwiseTable elementwise_table = {
    {run_exp<float>, run_expm1<float>, run_log<float>, run_log1p<float>, run_tanh<float>, run_erf<float>,
     run_cdf<float>, run_logistic<float>, run_softplus<float>, run_cosine<float>, run_sine<float>},
    {run_exp<double>, run_expm1<double>, run_log<double>, run_log1p<double>, run_tanh<double>,
     run_erf<double>, run_cdf<double>, run_logistic<double>, run_softplus<double>, run_cosine<double>,
     run_sine<double>}};

}  // namespace deltarule::DELTARULE_ISA
