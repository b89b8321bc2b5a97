// Which instruction set runs: the best that the machine has, or the one that DELTARULE_ISA names.

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "deltarule/kernels.hpp"

#if defined(DELTARULE_HAS_v2) || defined(DELTARULE_HAS_v3) || defined(DELTARULE_HAS_v4)
#define DELTARULE_X86
#include <cpuid.h>
#endif

namespace deltarule {

#define DELTARULE_TABLES(name) \
    namespace name { \
    extern const Kernels<float> table32; \
    extern const Kernels<double> table64; \
    }
DELTARULE_TABLES(plain)
DELTARULE_TABLES(v2)
DELTARULE_TABLES(v3)
DELTARULE_TABLES(v4)

namespace {

struct Choice {
    Isa isa;
    const char* name;
    const Kernels<float>* table32;
    const Kernels<double>* table64;
    bool (*available)();
};

#if defined(DELTARULE_X86)
/// Bits of cpuid that __builtin_cpu_supports does not know in every supported compiler.
bool has_scalar_v3() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_MOVBE) || !(c & bit_F16C)) return false;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & (1u << 5));  // lzcnt
}

[[maybe_unused]] bool has_v2() {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}
[[maybe_unused]] bool has_v3() {
    return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && has_scalar_v3();
}
[[maybe_unused]] bool has_v4() {
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

#endif

constexpr Choice choices[] = {
#if defined(DELTARULE_HAS_plain)
    {Isa::plain, "plain", &plain::table32, &plain::table64, [] { return true; }},
#endif
#if defined(DELTARULE_HAS_v2)
    {Isa::v2, "x86-64-v2", &v2::table32, &v2::table64, has_v2},
#endif
#if defined(DELTARULE_HAS_v3)
    {Isa::v3, "x86-64-v3", &v3::table32, &v3::table64, has_v3},
#endif
#if defined(DELTARULE_HAS_v4)
    {Isa::v4, "x86-64-v4", &v4::table32, &v4::table64, has_v4},
#endif
};

std::atomic<const Choice*> current = nullptr;

const Choice* find(Isa isa) {
    for (const Choice& choice : choices)
        if (choice.isa == isa && choice.available()) return &choice;
    return nullptr;
}

std::string names_here() {
    std::string names;
    for (const Choice& choice : choices)
        if (choice.available()) names += (names.empty() ? "" : ", ") + std::string(choice.name);
    return names;
}

const Choice& chosen() {
    if (!current) choose_isa();
    return *current;
}

}  // namespace

Isa choose_isa() {
    const char* wanted = std::getenv("DELTARULE_ISA");
    const Choice* best = nullptr;
    for (const Choice& choice : choices) {
        const bool named = !wanted || !*wanted || std::strcmp(wanted, choice.name) == 0;
        if (named && choice.available()) best = &choice;
    }
    if (!best)
        throw std::invalid_argument(
            "DELTARULE_ISA must name an instruction set of this machine: " + names_here() + " (got '" +
            (wanted ? wanted : "") + "'). Unset it to use the best one.");
    current = best;
    return best->isa;
}

Isa current_isa() { return chosen().isa; }

void use_isa(Isa isa) {
    const Choice* found = find(isa);
    if (!found) throw std::invalid_argument("this machine cannot run that instruction set");
    current = found;
}

const char* isa_name(Isa isa) {
    constexpr const char* names[] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    return names[int(isa)];
}

bool isa_available(Isa isa) { return find(isa) != nullptr; }

template <>
const Kernels<float>& kernels<float>() {
    return *chosen().table32;
}

template <>
const Kernels<double>& kernels<double>() {
    return *chosen().table64;
}

}  // namespace deltarule
