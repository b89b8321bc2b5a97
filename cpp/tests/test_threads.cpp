#include <atomic>
#include <thread>

#include "check.hpp"
#include "deltarule/threads.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

struct Counts {
    std::vector<std::atomic<int>> seen = std::vector<std::atomic<int>>(500);
    std::atomic<int> highest = 0;

    static void add(void* context, int worker, int64_t task) {
        auto& counts = *static_cast<Counts*>(context);
        ++counts.seen[size_t(task)];
        if (worker > counts.highest) counts.highest = worker;
    }
};

void check_each_once(int threads) {
    for (int round = 0; round < 200; ++round) {
        Counts counts;
        run_tasks(threads, 500, Counts::add, &counts);
        for (const auto& seen : counts.seen) CHECK(seen == 1);
        CHECK(counts.highest < threads);
    }
}

template <class T>
std::vector<T> after(int threads, int64_t batch, int64_t width) {
    const naive::Problem problem({40, width, 30, 5}, Activation::tanh, Activation::softmax, Loss::log_loss,
                                 1500);
    const naive::Typed<T> typed(problem);
    Session<T> session = naive::open(problem, typed, threads);
    session.set_optimizer({Optimizer::adam, 0.9, 0.999, 1e-8, 0});
    std::vector<T> found = naive::run(session, 5, batch), gradient(found.size()), predictions(typed.D.size());
    found.push_back(T(session.loss(typed.samples, gradient.data())));
    found.push_back(T(session.loss(typed.samples)));
    session.predict(typed.samples, predictions.data());
    found.insert(found.end(), gradient.begin(), gradient.end());
    found.insert(found.end(), predictions.begin(), predictions.end());
    return found;
}

}  // namespace

TEST("threads", "every task runs once, whatever the number of threads") {
    for (int threads : {1, 2, 5, 3}) check_each_once(threads);
}

TEST("threads", "two callers at once do not wait for each other") {
    std::thread other([] { check_each_once(3); });
    check_each_once(3);
    other.join();
}

TEST_EACH_ISA("threads", "any number of threads gives the same bits") {
    // strips at once, parts, and several chunks of strips
    for (const auto& [batch, width] : {std::pair{300, 170}, {1300, 170}, {1300, 400}}) {
        const auto alone = after<float>(1, batch, width);
        for (int threads : {2, 3, 7, 64}) CHECK(after<float>(threads, batch, width) == alone);
        CHECK(after<double>(1, batch, width) == after<double>(4, batch, width));
    }
}
