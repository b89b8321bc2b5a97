// Every float32 number through every elementwise function, under every instruction set of this
// machine, against the C library's float64. Ends with 1 where an error is larger than stated.
//
// Where a function bends, |x| from 2^-27 to 2^8 (log: everywhere), no number is left out; beyond it
// is linear, constant or zero, and every 61st number is looked at.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "deltarule/kernels.hpp"
#include "elementwise_errors.hpp"

using namespace deltarule;

namespace {

constexpr uint32_t block = 1 << 16;
constexpr uint32_t blocks = 1 << 16;

struct Worst {
    double ulp = 0;
    float at = 0;
};

/// Numbers whose bits begin with `number`, those of the function's domain only.
std::vector<float> numbers_of(const errors::Stated& f, uint32_t number) {
    std::vector<float> x;
    const uint32_t exponent = (number >> 7) & 0xFF;
    const bool bends = f.function == Elementwise::log || (exponent >= 127 - 27 && exponent < 127 + 8);
    for (uint32_t i = 0; i < block; i += bends ? 1 : 61) {
        const uint32_t bits = number * block + i;
        float value;
        std::memcpy(&value, &bits, sizeof value);
        const bool denormal = exponent == 0 && (bits & 0x7FFFFF);
        if (!denormal && !(value < f.low) && !(value > f.high)) x.push_back(value);
    }
    return x;
}

void look_at(const errors::Stated& f, const std::vector<Isa>& isas, const std::vector<float>& x,
             std::vector<Worst>& worst, const std::vector<InPlace<float>>& functions) {
    if (x.empty()) return;
    std::vector<double> wanted(x.size());
    for (size_t i = 0; i < x.size(); ++i) wanted[i] = errors::truth(f.function, double(x[i]));
    for (size_t k = 0; k < isas.size(); ++k) {
        std::vector<float> got = x;
        got.resize((x.size() + 15) / 16 * 16);
        functions[k](got.data(), int64_t(got.size()));
        for (size_t i = 0; i < x.size(); ++i) {
            const double error = errors::ulps(got[i], wanted[i]);
            if (error > worst[k].ulp) worst[k] = {error, x[i]};
        }
    }
}

std::vector<Worst> look_through(const errors::Stated& f, const std::vector<Isa>& isas) {
    std::vector<InPlace<float>> functions;
    for (Isa isa : isas) {
        use_isa(isa);
        functions.push_back(elementwise().of(f.function, 0.0f));
    }
    std::vector<std::vector<Worst>> found(std::max(1u, std::thread::hardware_concurrency()),
                                          std::vector<Worst>(isas.size()));
    std::atomic<uint32_t> next = 0;
    std::vector<std::thread> team;
    for (auto& worst : found)
        team.emplace_back([&] {
            for (uint32_t number; (number = next++) < blocks;) {
                look_at(f, isas, numbers_of(f, number), worst, functions);
                if (number % (blocks / 32) == 0) std::printf("."), std::fflush(stdout);
            }
        });
    for (auto& thread : team) thread.join();
    for (const auto& worst : found)
        for (size_t k = 0; k < isas.size(); ++k)
            if (worst[k].ulp > found[0][k].ulp) found[0][k] = worst[k];
    return found[0];
}

}  // namespace

int main() {
    std::vector<Isa> isas;
    for (Isa isa : {Isa::plain, Isa::v2, Isa::v3, Isa::v4})
        if (isa_available(isa)) isas.push_back(isa);
    int failures = 0;
    for (const auto& f : errors::stated) {
        std::printf("%-10s at most %.1f ulp ", f.name, f.ulp);
        const auto worst = look_through(f, isas);
        for (size_t k = 0; k < isas.size(); ++k) {
            std::printf("%s %s %.3f at %.9g", k ? "," : "", isa_name(isas[k]), worst[k].ulp,
                        double(worst[k].at));
            failures += worst[k].ulp > f.ulp;
        }
        std::printf("\n");
    }
    std::printf("%d errors larger than stated\n", failures);
    return failures ? 1 : 0;
}
