#include <cstdlib>
#include <stdexcept>
#include <string>

#include "check.hpp"
#include "deltarule/kernels.hpp"

using namespace deltarule;

TEST("isa", "the environment chooses, and what it cannot choose is an error") {
    const char* before = std::getenv("DELTARULE_ISA");
    const std::string saved = before ? before : "";
    for (Isa isa : {Isa::plain, Isa::v2, Isa::v3, Isa::v4}) {
        if (!isa_available(isa)) continue;
        setenv("DELTARULE_ISA", isa_name(isa), 1);
        CHECK(choose_isa() == isa && current_isa() == isa);
    }
    setenv("DELTARULE_ISA", "x86-64-v9", 1);
    std::string message;
    try {
        choose_isa();
    } catch (const std::invalid_argument& error) {
        message = error.what();
    }
    CHECK(message.find("got 'x86-64-v9'") != std::string::npos);
    if (before) setenv("DELTARULE_ISA", saved.c_str(), 1);
    else unsetenv("DELTARULE_ISA");
    choose_isa();
}

TEST_EACH_ISA("isa", "each table has vectors of its own width") {
    CHECK(kernels<float>().lanes == 2 * kernels<double>().lanes);
    CHECK(kernels<float>().strip % kernels<float>().lanes == 0);
}
