#include <atomic>
#include <limits>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "check.hpp"
#include "deltarule/threads.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

/// The control bits of floating point of this thread, without the flags that arithmetic raises.
uint64_t mode() {
#if defined(__SSE2__)
    return _mm_getcsr() & ~0x3Fu;
#elif defined(__aarch64__)
    uint64_t found;
    asm volatile("mrs %0, fpcr" : "=r"(found));
    return found;
#else
    return 0;
#endif
}

bool denormals_live() {
    volatile double tiny = std::numeric_limits<double>::min();
    return tiny * 0.5 != 0 && tiny * 0.5 * 2 == tiny;
}

/// True where the mode is as at construction and denormals are numbers, on this thread and on those
/// of the team that come to work.
class Modes {
public:
    bool kept() const {
        std::atomic<int> wrong = 0;
        struct Context {
            const Modes* modes;
            std::atomic<int>* wrong;
        } context{this, &wrong};
        auto look = [](void* at, int, int64_t) {
            const auto& c = *static_cast<Context*>(at);
            *c.wrong += mode() != c.modes->before_ || !denormals_live();
        };
        run_tasks(3, 3000, look, &context);
        return wrong == 0 && mode() == before_ && denormals_live();
    }

private:
    uint64_t before_ = mode();
};

naive::Problem problem() {
    return {{60, 200, 30, 5}, Activation::tanh, Activation::softmax, Loss::log_loss, 900};
}

template <class T>
void check_calls(int64_t batch, int threads) {
    const naive::Problem of = problem();
    const naive::Typed<T> typed(of);
    const Modes modes;
    Session<T> session = naive::open(of, typed, threads);
    naive::run(session, 5, batch);
    CHECK(modes.kept());
    std::vector<T> predictions(typed.D.size()), gradient(typed.vector.size());
    session.predict(typed.samples, predictions.data());
    CHECK(modes.kept());
    session.loss(typed.samples, gradient.data());
    CHECK(modes.kept());

    Session<T> broken = naive::open(of, typed, threads);
    std::vector<T> endless(typed.vector.size(), std::numeric_limits<T>::infinity());
    broken.set_parameters(endless.data());
    naive::run(broken, 5, batch);  // ends after a loss that is not finite
    CHECK(modes.kept());

    Session<T> ended = naive::open(of, typed, threads);
    ended.ask_whether_to_end([] { return true; });
    naive::run(ended, 200'000, batch);
    CHECK(ended.ended());
    CHECK(modes.kept());
}

/// Rows of denormals and rows of zeros are the same to every call.
template <class T>
void check_rows(int64_t batch) {
    const naive::Problem of = problem();
    naive::Typed<T> zeros(of), tiny(of);
    for (size_t i = 0; i < zeros.X.size(); i += 3) {
        zeros.X[i] = 0;
        tiny.X[i] = (i % 2 ? 1 : -1) * std::numeric_limits<T>::min() / 4;
    }
    Session<T> one = naive::open(of, zeros), other = naive::open(of, tiny);
    CHECK(naive::run(one, 20, batch) == naive::run(other, 20, batch));
    std::vector<T> found(zeros.D.size()), wanted(zeros.D.size());
    one.predict(zeros.samples, wanted.data());
    other.predict(tiny.samples, found.data());
    CHECK(found == wanted);
    CHECK(one.loss(zeros.samples) == other.loss(tiny.samples));
}

}  // namespace

TEST_EACH_ISA("denormals", "the mode is restored after every call, on every thread, however it ends") {
    for (int threads : {1, 3})
        for (int64_t batch : {1, 300}) {
            check_calls<float>(batch, threads);
            check_calls<double>(batch, threads);
        }
}

TEST_EACH_ISA("denormals", "a denormal in the rows is zero") {
    for (int64_t batch : {1, 7, 300}) {
        check_rows<float>(batch);
        check_rows<double>(batch);
    }
}

TEST_EACH_ISA("denormals", "the check sees a mode that stays changed") {
#if defined(__SSE2__)
    const Modes modes;
    const unsigned saved = _mm_getcsr();
    _mm_setcsr(saved | 0x8040);
    CHECK(!modes.kept());
    _mm_setcsr(saved);
    CHECK(modes.kept());
#endif
}
