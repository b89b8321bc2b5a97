#pragma once
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

/// Checks that say where and what, and a list of tests that main() runs.
namespace check {

struct Test {
    std::string concept_name, what;
    std::function<void()> body;
    bool each_isa;
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

inline int& failures() {
    static int count = 0;
    return count;
}

struct Register {
    Register(const char* concept_name, const char* what, bool each_isa, std::function<void()> body) {
        tests().push_back({concept_name, what, std::move(body), each_isa});
    }
};

inline void fail(const char* file, int line, const std::string& text) {
    ++failures();
    std::printf("%s:%d: %s\n", file, line, text.c_str());
}

inline void near(const char* file, int line, const std::string& what, double got, double wanted,
                 double tolerance) {
    const bool same = got == wanted || (std::isnan(got) && std::isnan(wanted));
    if (!same && !(std::abs(got - wanted) <= tolerance))
        fail(file, line,
             what + ": got " + std::to_string(got) + ", wanted " + std::to_string(wanted) + ", off by " +
                 std::to_string(std::abs(got - wanted) / tolerance) + " tolerances");
}

}  // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)
#define CHECK_BODY(name, concept_name, what, each_isa) \
    static void name(); \
    static const check::Register CHECK_JOIN(name, _entry){concept_name, what, each_isa, name}; \
    static void name()
/// A test of something that does not depend on the instruction set.
#define TEST(concept_name, what) CHECK_BODY(CHECK_JOIN(test_, __LINE__), concept_name, what, false)
/// A test that runs once under every instruction set of this machine.
#define TEST_EACH_ISA(concept_name, what) CHECK_BODY(CHECK_JOIN(test_, __LINE__), concept_name, what, true)
#define CHECK(condition) \
    do { \
        if (!(condition)) check::fail(__FILE__, __LINE__, #condition); \
    } while (0)
#define CHECK_NEAR(got, wanted, tolerance) check::near(__FILE__, __LINE__, #got, got, wanted, tolerance)
