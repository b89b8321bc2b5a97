#include "check.hpp"
#include "deltarule/orders.hpp"

using namespace deltarule;

namespace {

constexpr OrderKind kinds[] = {OrderKind::shuffle, OrderKind::replacement, OrderKind::sequential};

}  // namespace

TEST("orders", "any part of any epoch, in any succession, is that of the rule") {
    for (OrderKind kind : kinds)
        for (int64_t rows : {1, 2, 3, 4, 5, 150, 512, 513, 9000}) {
            Orders orders;
            const OrderSource from{nullptr, 0, kind, 7};
            for (int64_t epoch : {0, 1, 2, 400, 3, 3, 900})
                for (int64_t position : {int64_t(0), rows / 3, rows - 1, rows / 2}) {
                    const int64_t count = std::min<int64_t>(rows - position, 1 + rows / 5);
                    std::vector<int64_t> whole(static_cast<size_t>(rows));
                    order(kind, 7, uint64_t(epoch), rows, 0, rows, whole.data());
                    for (int64_t last : {epoch + 1, int64_t(1000)}) {
                        const int64_t* const found = orders.rows_of(from, rows, epoch, last, position, count);
                        CHECK(std::equal(found, found + count, whole.begin() + position));
                    }
                }
        }
}

TEST("orders", "another rule, key or number of rows is another order") {
    Orders orders;
    std::vector<int64_t> wanted(20);
    for (OrderKind kind : kinds)
        for (uint64_t key : {7, 8})
            for (int64_t rows : {20, 19}) {
                order(kind, key, 3, rows, 0, rows, wanted.data());
                const int64_t* const found = orders.rows_of({nullptr, 0, kind, key}, rows, 3, 9, 0, rows);
                CHECK(std::equal(found, found + rows, wanted.begin()));
            }
}

TEST("orders", "an array is taken as it is") {
    const std::vector<int64_t> rows = {4, 2, 2, 0};
    Orders orders;
    CHECK(orders.rows_of({rows.data(), 4, OrderKind::sequential, 0}, 9, 0, 1, 1, 3) == rows.data() + 1);
}
