#include <algorithm>
#include <set>

#include "check.hpp"
#include "deltarule/random.hpp"

using namespace deltarule;

TEST("random", "the words of the reference implementation") {
    // kat_vectors of Random123: philox4x64 with 10 rounds, counter and key zero
    const uint64_t wanted[] = {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b,
                               0x7e68b68aec7ba23b};
    uint64_t found[4];
    words(0, 0, 0, 0, 4, found);
    CHECK(std::equal(found, found + 4, wanted));
}

TEST("random", "words do not depend on where one begins") {
    std::vector<uint64_t> all(40), part(7);
    words(9, 1, 3, 0, 40, all.data());
    for (uint64_t start = 0; start < 33; ++start) {
        words(9, 1, 3, start, 7, part.data());
        CHECK(std::equal(part.begin(), part.end(), all.begin() + int64_t(start)));
    }
    words(9, 1, 4, 0, 7, part.data());
    CHECK(!std::equal(part.begin(), part.end(), all.begin()));
}

TEST("random", "below is the upper half of the product") {
    CHECK(below(0, 10) == 0);
    CHECK(below(uint64_t(1) << 63, 10) == 5);
    CHECK(below(~uint64_t(0), 10) == 9);
}

TEST("random", "a shuffle holds every row once, and draws with replacement come from one place") {
    for (int64_t n : {1, 2, 3, 4, 5, 97}) {
        std::vector<int64_t> rows(static_cast<size_t>(n));
        order(OrderKind::shuffle, 3, 8, n, 0, n, rows.data());
        CHECK(std::set<int64_t>(rows.begin(), rows.end()).size() == size_t(n));
        CHECK(*std::max_element(rows.begin(), rows.end()) == n - 1);
    }
    std::vector<int64_t> all(50), part(10);
    order(OrderKind::replacement, 3, 8, 50, 0, 50, all.data());
    order(OrderKind::replacement, 3, 8, 50, 21, 10, part.data());
    CHECK(std::equal(part.begin(), part.end(), all.begin() + 21));
    order(OrderKind::sequential, 3, 8, 50, 21, 10, part.data());
    CHECK(part.front() == 21 && part.back() == 30);
}
