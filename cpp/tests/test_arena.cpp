#include <new>

#include "check.hpp"
#include "deltarule/arena.hpp"

using namespace deltarule;

TEST("arena", "pieces begin on cache lines, are zero and do not overlap") {
    Arena arena(Arena::need(3, 4) + Arena::need(100, 8));
    float* first = arena.take<float>(3);
    double* second = arena.take<double>(100);
    CHECK(reinterpret_cast<uintptr_t>(first) % 64 == 0 && reinterpret_cast<uintptr_t>(second) % 64 == 0);
    CHECK(reinterpret_cast<std::byte*>(second) - reinterpret_cast<std::byte*>(first) == 64);
    for (int i = 0; i < 100; ++i) CHECK(second[i] == 0);
}

TEST("arena", "more than was asked for is refused") {
    Arena arena(64);
    arena.take<float>(16);
    bool refused = false;
    try {
        arena.take<float>(1);
    } catch (const std::bad_alloc&) {
        refused = true;
    }
    CHECK(refused);
}
