#include "deltarule/predictor.hpp"

#include <thread>

#include "check.hpp"
#include "naive_kinds.hpp"

using namespace deltarule;

namespace {

constexpr Activation every_activation[] = {Activation::identity, Activation::logistic,   Activation::tanh,
                                           Activation::relu,     Activation::leaky_relu, Activation::sign,
                                           Activation::softmax,  Activation::softplus,   Activation::selu,
                                           Activation::gelu,     Activation::silu,       Activation::mish,
                                           Activation::exp};

/// From one unit to more than the eight panels that advance together, and beyond the stack's scratch.
const std::vector<int64_t> shapes[] = {{1, 1},         {10, 16, 1},      {3, 5, 2},   {7, 33, 17, 3},
                                       {4, 70, 40, 5}, {20, 150, 64, 9}, {5, 1100, 2}};

template <class T>
Predictor<T> predictor_of(const naive::Problem& problem, const naive::Typed<T>& typed,
                          naive::Numbers center = {}, naive::Numbers scale = {}) {
    return Predictor<T>(problem.layers, typed.vector.data(), center, scale);
}

template <class T>
std::vector<T> predict(const Predictor<T>& predictor, const std::vector<T>& X, int64_t rows) {
    std::vector<T> found(size_t(rows * predictor.outputs()));
    predictor.predict(RowsAt<T>{X.data(), rows, predictor.inputs(), 1}, found.data());
    return found;
}

template <class T>
void compare(const naive::Problem& problem) {
    const naive::Typed<T> typed(problem);
    const Predictor<T> predictor = predictor_of(problem, typed);
    const std::vector<T> found = predict(predictor, typed.X, problem.rows);
    const naive::Numbers vector(typed.vector.begin(), typed.vector.end()), X(typed.X.begin(), typed.X.end());
    for (int64_t row = 0; row < problem.rows; ++row) {
        const auto wanted = naive::forward(problem.layers, vector, &X[size_t(row * predictor.inputs())]).a;
        for (size_t k = 0; k < wanted.size(); ++k)
            CHECK_NEAR(double(found[size_t(row) * wanted.size() + k]), wanted[k],
                       (sizeof(T) == 4 ? 2e-5 : 1e-12) * (1 + std::abs(wanted[k])));
    }
}

}  // namespace

TEST_EACH_ISA("predictor", "every activation, hidden and at the end") {
    for (Activation hidden : every_activation)
        for (Activation last : every_activation) {
            if (hidden == Activation::exp && last == Activation::exp) continue;  // beyond every range
            // A rounding error turns a sign, so those look at numbers that are exact.
            if (hidden == Activation::sign || last == Activation::sign) continue;
            const naive::Problem problem({6, 19, 3}, hidden, last, Loss::squared_error, 5);
            compare<float>(problem);
            compare<double>(problem);
        }
    const naive::Problem problem({6, 3}, Activation::sign, Activation::sign, Loss::squared_error, 9);
    compare<double>(problem);
}

/// Three heads behind layers of a kind, by running statistics of its own; nothing drops out.
template <class T>
void compare_kinds(Normalization kind, Activation activation) {
    const naive::Kinds problem(naive::two_hidden(kind, activation, 0.4, 9), naive::three_heads(), 7);
    naive::Numbers buffers;
    for (const Layer& layer : problem.layers)
        for (int64_t i = 0; layer.normalization == Normalization::batch && i < 2 * layer.units; ++i)
            buffers.push_back(i < layer.units ? 0.1 * double(i % 5) : 1 + 0.2 * double(i % 3));
    const naive::TypedKinds<T> typed(problem);
    const std::vector<T> running(buffers.begin(), buffers.end());
    const Predictor<T> predictor(problem.layers, typed.vector.data(), {}, {}, naive::three_heads(),
                                 running.empty() ? nullptr : running.data());
    const std::vector<T> found = predict(predictor, typed.X, 7);
    const naive::Numbers z = problem.forward(problem.vector, &buffers);
    for (size_t row = 0; row < 7; ++row)
        for (const HeadSettings& head : problem.heads) {
            const auto at = z.begin() + int64_t(row) * 9;
            const auto wanted = problem.answers(head, naive::Numbers(at + head.begin, at + head.end));
            for (size_t k = 0; k < wanted.size(); ++k)
                CHECK_NEAR(double(found[row * 9 + size_t(head.begin) + k]), wanted[k],
                           (sizeof(T) == 4 ? 2e-5 : 1e-12) * (1 + std::abs(wanted[k])));
        }
}

TEST_EACH_ISA("predictor", "normalisation by rows and by running statistics, and several heads") {
    for (Normalization kind : {Normalization::none, Normalization::batch, Normalization::layer})
        for (Activation activation : {Activation::tanh, Activation::softmax}) {
            compare_kinds<float>(kind, activation);
            compare_kinds<double>(kind, activation);
        }
}

TEST_EACH_ISA("predictor", "shapes, with and without biases") {
    for (const auto& units : shapes)
        for (bool bias : {true, false}) {
            const naive::Problem problem(units, Activation::tanh, Activation::logistic, Loss::squared_error,
                                         6, bias);
            compare<float>(problem);
            compare<double>(problem);
        }
}

TEST_EACH_ISA("predictor", "a row alone has the bits that it has among others, wherever it lies") {
    const naive::Problem problem({9, 21, 4}, Activation::gelu, Activation::softmax, Loss::log_loss, 12);
    const naive::Typed<float> typed(problem);
    const Predictor<float> predictor = predictor_of(problem, typed);
    const std::vector<float> all = predict(predictor, typed.X, 12);
    std::vector<double> columns(9 * 12);  // the same numbers column by column, in float64
    for (size_t row = 0; row < 12; ++row)
        for (size_t i = 0; i < 9; ++i) columns[i * 12 + row] = double(typed.X[row * 9 + i]);
    for (int64_t row = 0; row < 12; ++row) {
        float alone[4], strided[4];
        predictor.predict(RowsAt<float>{&typed.X[size_t(row * 9)], 1, 0, 1}, alone);
        predictor.predict(RowsAt<double>{&columns[size_t(row)], 1, 0, 12}, strided);
        for (size_t k = 0; k < 4; ++k) {
            CHECK(alone[k] == all[size_t(row) * 4 + k]);
            CHECK(strided[k] == alone[k]);
        }
    }
}

TEST_EACH_ISA("predictor", "inputs are centred and scaled in double") {
    naive::Problem problem({5, 8, 2}, Activation::tanh, Activation::identity, Loss::squared_error, 7);
    const naive::Numbers center = {100, -3, 0, 1e6, 2}, scale = {10, 0.5, 1, 3, 7};
    for (size_t i = 0; i < problem.X.size(); ++i) problem.X[i] = problem.X[i] * scale[i % 5] + center[i % 5];
    const naive::Typed<float> typed(problem);
    const std::vector<float> found = predict(predictor_of(problem, typed, center, scale), typed.X, 7);
    std::vector<float> ready = typed.X;
    for (size_t i = 0; i < ready.size(); ++i)
        ready[i] = float((double(ready[i]) - center[i % 5]) / scale[i % 5]);
    CHECK(found == predict(predictor_of(problem, typed), ready, 7));
}

TEST_EACH_ISA("predictor", "many threads at once") {
    const naive::Problem problem({30, 90, 20, 3}, Activation::relu, Activation::softmax, Loss::log_loss, 200);
    const naive::Typed<double> typed(problem);
    const Predictor<double> predictor = predictor_of(problem, typed);
    const std::vector<double> wanted = predict(predictor, typed.X, 200);
    std::vector<std::vector<double>> found(8);
    std::vector<std::thread> threads;
    for (auto& own : found)
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i) own = predict(predictor, typed.X, 200);
        });
    for (std::thread& thread : threads) thread.join();
    for (const auto& own : found) CHECK(own == wanted);
}
