// core_benchmarks products: one JSON object with the share of the machine's limit that the products
// of the mini-batch road reach, for float32 and float64.
// core_benchmarks steps [NAME]: the same for the microseconds of whole steps.
// core_benchmarks options [NAME]: what kinds of layers and what clips or averages cost these steps.

#include <cstdio>
#include <cstring>

#include "deltarule/kernels.hpp"
#include "products.hpp"
#include "steps.hpp"

namespace deltarule {

#define DELTARULE_MEASURES(name) \
    namespace name { \
    extern const benchmarks::Measures measures32, measures64; \
    }
DELTARULE_MEASURES(plain)
DELTARULE_MEASURES(v2)
DELTARULE_MEASURES(v3)
DELTARULE_MEASURES(v4)

namespace {

using benchmarks::Case;
using benchmarks::Kind;
using benchmarks::Measures;

constexpr Case cases[] = {{64, 100, 200},   {64, 100, 32},   {128, 128, 32},  {128, 128, 128},
                          {256, 256, 32},   {256, 256, 256}, {512, 512, 128}, {784, 512, 128},
                          {784, 100, 200},  {100, 100, 200}, {32, 32, 32},    {20, 32, 32},
                          {1024, 1024, 32}, {100, 10, 200},  {32, 2, 32}};
constexpr const char* names[] = {"forward", "data_gradient", "weight_gradient"};

/// The measures of the instruction set in use.
const Measures& measures(bool wide) {
    switch (current_isa()) {
#if defined(DELTARULE_HAS_v2)
        case Isa::v2: return wide ? v2::measures64 : v2::measures32;
#endif
#if defined(DELTARULE_HAS_v3)
        case Isa::v3: return wide ? v3::measures64 : v3::measures32;
#endif
#if defined(DELTARULE_HAS_v4)
        case Isa::v4: return wide ? v4::measures64 : v4::measures32;
#endif
#if defined(DELTARULE_HAS_plain)
        case Isa::plain: return wide ? plain::measures64 : plain::measures32;
#endif
        default: __builtin_unreachable();
    }
}

void print_products() {
    const double peak[] = {measures(false).peak(), measures(true).peak()};
    std::printf("{\"isa\": \"%s\", \"peak\": {\"float32\": %.2f, \"float64\": %.2f}, \"rows\": [",
                isa_name(current_isa()), peak[0], peak[1]);
    const char* between = "\n";
    for (int wide = 0; wide < 2; ++wide)
        for (const Case& shape : cases)
            for (int kind = 0; kind < 3; ++kind) {
                const double found = measures(wide).speed(Kind(kind), shape);
                std::printf(
                    "%s  {\"dtype\": \"%s\", \"inputs\": %lld, \"units\": %lld, \"batch\": %lld, "
                    "\"product\": \"%s\", \"gflops\": %.2f, \"share\": %.3f}",
                    between, wide ? "float64" : "float32", (long long)shape.inputs, (long long)shape.units,
                    (long long)shape.batch, names[kind], found, found / peak[wide]);
                between = ",\n";
            }
    std::printf("\n]}\n");
}

}  // namespace
}  // namespace deltarule

int main(int count, char** arguments) {
    if (count == 2 && std::strcmp(arguments[1], "products") == 0) {
        deltarule::print_products();
        return 0;
    }
    if (count >= 2 && count <= 3 && std::strcmp(arguments[1], "steps") == 0) {
        deltarule::benchmarks::print_steps(count == 3 ? arguments[2] : "");
        return 0;
    }
    if (count >= 2 && count <= 3 && std::strcmp(arguments[1], "options") == 0) {
        deltarule::benchmarks::print_options(count == 3 ? arguments[2] : "");
        return 0;
    }
    std::fprintf(stderr, "usage: core_benchmarks products | steps [NAME] | options [NAME]\n");
    return 2;
}
