#include <cstring>

#include "check.hpp"
#include "deltarule/kernels.hpp"

using namespace deltarule;

int main(int count, char** arguments) {
    int ran = 0;
    for (const check::Test& test : check::tests()) {
        if (count > 1 && test.concept_name != arguments[1]) continue;
        for (Isa isa : {Isa::plain, Isa::v2, Isa::v3, Isa::v4}) {
            if (!isa_available(isa)) continue;
            use_isa(isa);
            const int before = check::failures();
            test.body();
            ++ran;
            if (check::failures() > before)
                std::printf("FAILED %s: %s (%s)\n", test.concept_name.c_str(), test.what.c_str(),
                            isa_name(isa));
            if (!test.each_isa) break;
        }
    }
    std::printf("%d tests, %d failures\n", ran, check::failures());
    return check::failures() || !ran ? 1 : 0;
}
