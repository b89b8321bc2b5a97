// Every float32 number through every elementwise function, under every instruction set of this
// machine. Ends with 1 where an error is larger than stated.
//
// Where a function bends, |x| from 2^-27 to 2^8 (log: everywhere), no number is left out; beyond it
// is linear, constant or zero, and every 61st number is looked at.
//
// The truth is what the function's own float64 form says: it is some 2^29 times finer than a float32,
// and a tenth of the C library's price. It is held to the C library's float64 at every 61st number
// and wherever an error is the largest so far; the errors printed are those against the C library.

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
constexpr uint32_t every = 61;
constexpr int64_t exponent_bits = int64_t(0x7FF) << 52;
constexpr int64_t smallest = int64_t(1023 - 126) << 52;  // the bits of the smallest normal float32
constexpr float huge = 1e30f;

struct Worst {
    double ulp = 0;
    float at = 0;
};

/// What is looked at together: the numbers, the truth about them, and one result after the other.
struct Strip {
    static constexpr int64_t most = 4096;  // a multiple of every vector
    std::vector<float> x, got, error;
    std::vector<double> truth;
};

/// The numbers from `begin` on whose bits begin with `number`, those of the function's domain only.
void take_numbers(const errors::Stated& f, uint32_t number, uint32_t begin, Strip& to) {
    to.x.clear();
    const uint32_t exponent = (number >> 7) & 0xFF;
    const bool bends = f.function == Elementwise::log || (exponent >= 127 - 27 && exponent < 127 + 8);
    const uint32_t step = bends ? 1 : every;
    for (uint32_t i = (begin + step - 1) / step * step; i < begin + Strip::most; i += step) {
        const uint32_t bits = number * block + i;
        float value;
        std::memcpy(&value, &bits, sizeof value);
        const bool denormal = exponent == 0 && (bits & 0x7FFFFF);
        if (!denormal && !(value < f.low) && !(value > f.high)) to.x.push_back(value);
    }
}

/// errors::ulps of a whole strip, in a form that compilers turn into vectors.
void measure(Strip& strip) {
    strip.error.resize(strip.x.size());
    for (size_t i = 0; i < strip.x.size(); ++i) {
        const float got = strip.got[i];
        const double wanted = strip.truth[i], size = std::abs(wanted);
        int64_t bits;
        std::memcpy(&bits, &size, sizeof bits);
        bits = bits < smallest ? smallest : bits;
        bits = (int64_t(2 * 1023 + 23) << 52) - (bits & exponent_bits);
        double per_ulp;  // 1 / (the last place of the truth)
        std::memcpy(&per_ulp, &bits, sizeof per_ulp);
        float error = float(std::abs(double(got) - wanted) * per_ulp);
        error = error <= huge ? error : huge;  // infinities and NaN
        const bool same =
            got == float(wanted) || (got == 0 && size < 0x1p-126) || (got != got && wanted != wanted);
        strip.error[i] = same ? 0 : error;
    }
}

/// Whether the float64 form says what the C library says.
bool reference_holds(const errors::Stated& f, const Strip& strip) {
    for (size_t i = 0; i < strip.x.size(); i += every) {
        const double wanted = errors::truth(f.function, double(strip.x[i]));
        const double apart = std::abs(strip.truth[i] - wanted);
        const bool same = strip.truth[i] == wanted || (std::isnan(strip.truth[i]) && std::isnan(wanted));
        if (!same && !(apart <= 1e-12 * std::abs(wanted)) && !(apart <= 0x1p-1021)) return false;
    }
    return true;
}

/// False where the reference does not hold.
bool look_at(const errors::Stated& f, Strip& strip, std::vector<Worst>& worst,
             const std::vector<InPlace<float>>& functions, InPlace<double> reference) {
    const size_t count = strip.x.size(), padded = (count + 15) / 16 * 16;
    strip.truth.assign(strip.x.begin(), strip.x.end());
    strip.truth.resize(padded);
    reference(strip.truth.data(), int64_t(padded));
    for (size_t k = 0; k < functions.size(); ++k) {
        strip.got = strip.x;
        strip.got.resize(padded);
        functions[k](strip.got.data(), int64_t(padded));
        measure(strip);
        for (size_t i = 0; i < count; ++i) {
            if (double(strip.error[i]) <= worst[k].ulp) continue;
            const double error = errors::ulps(strip.got[i], errors::truth(f.function, double(strip.x[i])));
            if (error > worst[k].ulp) worst[k] = {error, strip.x[i]};
        }
    }
    return reference_holds(f, strip);
}

/// The largest errors, one for each instruction set; none where the reference does not hold.
std::vector<Worst> look_through(const errors::Stated& f, const std::vector<Isa>& isas) {
    std::vector<InPlace<float>> functions;
    for (Isa isa : isas) {
        use_isa(isa);
        functions.push_back(elementwise().of(f.function, 0.0f));
    }
    const InPlace<double> reference = elementwise().of(f.function, 0.0);
    std::vector<std::vector<Worst>> found(std::max(1u, std::thread::hardware_concurrency()),
                                          std::vector<Worst>(isas.size()));
    std::atomic<uint32_t> next = 0;
    std::atomic<bool> holds = true;
    std::vector<std::thread> team;
    for (auto& worst : found)
        team.emplace_back([&] {
            Strip strip;
            for (uint32_t number; (number = next++) < blocks;) {
                for (uint32_t begin = 0; begin < block; begin += Strip::most) {
                    take_numbers(f, number, begin, strip);
                    if (!strip.x.empty() && !look_at(f, strip, worst, functions, reference)) holds = false;
                }
                if (number % (blocks / 32) == 0) std::printf("."), std::fflush(stdout);
            }
        });
    for (auto& thread : team) thread.join();
    if (!holds) return {};
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
        std::fflush(stdout);
        const auto worst = look_through(f, isas);
        if (worst.empty()) {
            std::printf(" the float64 form is not what the C library says\n");
            ++failures;
        }
        for (size_t k = 0; k < worst.size(); ++k) {
            std::printf("%s %s %.3f at %.9g", k ? "," : "", isa_name(isas[k]), worst[k].ulp,
                        double(worst[k].at));
            failures += worst[k].ulp > f.ulp;
        }
        std::printf("\n");
        std::fflush(stdout);
    }
    std::printf("%d errors larger than stated\n", failures);
    return failures ? 1 : 0;
}
