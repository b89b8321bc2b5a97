// The three products of a layer and the machine's limit beside them, for one instruction set.
//
// The limit is a loop of independent multiply-adds in registers. A product is timed again and again
// on buffers of its own, as a step has them; the best of several rounds counts, in this thread's time.

#include "products.hpp"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "deltarule/arena.hpp"
#include "deltarule/products.hpp"

namespace deltarule::DELTARULE_ISA {
namespace {

using benchmarks::Case;
using benchmarks::Kind;

double now() {
    timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return double(at.tv_sec) * 1e9 + double(at.tv_nsec);
}

/// The shortest nanoseconds of one call, of rounds so short that some have the machine to themselves.
template <class Work>
double shortest(Work work) {
    constexpr double round = 3e5;
    double begin = now();
    work();
    const int64_t calls = std::max<int64_t>(1, int64_t(round / std::max(now() - begin, 50.0)));
    double best = 1e300;
    for (int i = 0; i < 80; ++i) {
        begin = now();
        for (int64_t call = 0; call < calls; ++call) work();
        best = std::min(best, (now() - begin) / double(calls));
    }
    return best;
}

/// One multiply-add in each of the sums; written out, so that they stay in registers.
template <class T, size_t... i>
DELTARULE_INLINE void multiply_add_each(Vec<T>* sums, Vec<T> factor, std::index_sequence<i...>) {
    ((sums[i] = multiply_add<T>(sums[i], factor, factor)), ...);
}

template <class T>
double peak() {
    constexpr size_t count = 12;
    constexpr int64_t rounds = 4096;
    volatile T number = T(1e-3);  // nothing may be computed ahead
    const double time = shortest([&] {
        const Vec<T> factor = splat<T>(T(number));
        Vec<T> sums[count], total = factor;
        for (Vec<T>& sum : sums) sum = splat<T>(T(number));
        for (int64_t i = 0; i < rounds; ++i)
            multiply_add_each<T>(sums, factor, std::make_index_sequence<count>{});
        for (const Vec<T>& sum : sums) total += sum;
        number = total[0] > T(0) ? T(1e-3) : T(0);
    });
    return 2.0 * count * rounds * lanes<T> / time;
}

/// A layer with a bias and a batch, in the layout of a step.
template <class T>
struct Buffers {
    Layer layer{};
    Places places{};
    int64_t vectors;
    std::vector<Task> tasks;
    std::unique_ptr<Arena> arena;
    T *panels, *gradient, *below, *above, *deltas;

    explicit Buffers(Case shape) {
        layer.inputs = shape.inputs;
        layer.units = shape.units;
        layer.rows = shape.inputs + 1;
        layer.panels = (shape.units + lanes<T> - 1) / lanes<T>;
        tasks.resize(size_t(cut_weights(layer, 0, rectangle_rows, nullptr)));
        cut_weights(layer, 0, rectangle_rows, tasks.data());
        const int64_t all = (shape.batch + lanes<T> - 1) / lanes<T>;
        vectors = strip_vectors(all);
        places.inner = vectors * lanes<T>;
        places.strips = (shape.batch + places.inner - 1) / places.inner;
        places.last = shape.batch - (places.strips - 1) * places.inner;
        const int64_t weights = layer.panels * layer.rows * lanes<T>, rows = places.strips * strip<T>;
        const int64_t deep = layer.panels * lanes<T>;
        arena = std::make_unique<Arena>(2 * Arena::need(weights, sizeof(T)) +
                                        Arena::need(rows * layer.rows, sizeof(T)) +
                                        2 * Arena::need(rows * deep, sizeof(T)));
        panels = take(weights);
        gradient = take(weights);
        below = take(rows * layer.rows);
        above = take(rows * deep);
        deltas = take(rows * deep);
    }

    T* take(int64_t count) {
        T* const at = arena->take<T>(count);
        for (int64_t i = 0; i < count; ++i) at[i] = T(0.001) * T(i % 97);
        return at;
    }
    int64_t vectors_of(int64_t number) const {
        return number + 1 < places.strips ? vectors : (places.last + lanes<T> - 1) / lanes<T>;
    }

    void forward() {
        for (int64_t i = 0; i < places.strips; ++i)
            forward_product<T>(layer, panels, below + i * layer.rows * strip<T>, false,
                               above + i * layer.units * strip<T>, vectors_of(i));
    }
    void data_gradient() {
        for (int64_t i = 0; i < places.strips; ++i)
            data_product<T>(layer, panels, above + i * layer.units * strip<T>, nullptr, nullptr,
                            below + i * layer.rows * strip<T>, vectors_of(i));
    }
    void weight_gradient() {
        const int64_t step = layer.rows * lanes<T>, samples = places.strips * places.inner * lanes<T>;
        for (const Task& task : tasks) {
            const Rectangle<T> to{gradient + task.panel * step + task.row * lanes<T>, task.rows, task.panels,
                                  step};
            weight_product<T>(below + task.row * strip<T>, layer.rows * strip<T>,
                              deltas + task.panel * samples, samples, places, to, false);
        }
    }
};

template <class T>
double speed(Kind kind, Case shape) {
    FlushDenormals guard;
    Buffers<T> buffers(shape);
    const double time = shortest([&] {
        if (kind == Kind::forward) buffers.forward();
        else if (kind == Kind::data_gradient) buffers.data_gradient();
        else buffers.weight_gradient();
    });
    return 2.0 * double(shape.inputs) * double(shape.units) * double(shape.batch) / time;
}

}  // namespace

extern const benchmarks::Measures measures32, measures64;
const benchmarks::Measures measures32 = {&peak<float>, &speed<float>};
const benchmarks::Measures measures64 = {&peak<double>, &speed<double>};

}  // namespace deltarule::DELTARULE_ISA
