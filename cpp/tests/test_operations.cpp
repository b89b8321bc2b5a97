#include "check.hpp"
#include "naive.hpp"

using namespace deltarule;

namespace {

naive::Problem problem_of(int64_t rows) {
    return {{9, 40, 13, 3}, Activation::tanh, Activation::softmax, Loss::log_loss, rows};
}

/// Steps, losses, a gradient and predictions of a list that is cut in front of the operations named.
template <class T>
std::vector<T> numbers(const std::vector<size_t>& cuts, int64_t rows, int threads) {
    const naive::Problem problem = problem_of(rows);
    const naive::Typed<T> typed(problem);
    Panels<T> panels(problem.layers, problem.kind, problem.parameter);
    panels.set_parameters(typed.vector.data());
    Watch watch;
    watch.begin();
    OperationList list = list_operations(panels.layers());
    for (size_t i : cuts) list.operations[i].whole_batch = true;
    BatchRoad<T> road(panels, watch, threads, list);
    std::vector<int64_t> order(size_t(rows), 0);
    for (size_t i = 0; i < order.size(); ++i) order[i] = int64_t((i * 7) % order.size());
    road.prepare(rows, typed.samples);
    std::vector<T> found;
    for (int64_t batch : {rows, rows / 2, rows})
        found.push_back(
            T(road.step(typed.samples, order.data(), batch, panels.update_of(0.1, 0, 0, 0.01), 1)));
    const size_t size = size_t(panels.size());
    std::vector<T> vector(size), gradient(size), predictions(problem.D.size());
    panels.parameters(vector.data());
    found.push_back(T(road.loss(typed.samples, gradient.data())));
    found.push_back(T(road.loss(typed.samples)));
    road.predict(typed.samples, predictions.data());
    for (const auto* part : {&vector, &gradient, &predictions})
        found.insert(found.end(), part->begin(), part->end());
    return found;
}

}  // namespace

TEST("operations",
     "relu ends its affine operation, and the next one's backward product ends with its slope") {
    naive::Problem problem = problem_of(2);
    for (Layer& layer : problem.layers) layer.activation = Activation::relu;
    const OperationList list = list_operations(problem.layers);
    CHECK(list.operations.size() == 3 && list.kept == 0);
    for (size_t i = 0; i < 3; ++i) {
        CHECK(list.operations[i].rectify == (i < 2));
        CHECK(list.operations[i].gate == (i ? Gate::positive : Gate::none));
    }
}

TEST("operations", "a hidden layer is an affine operation and, unless identity, an activation in place") {
    naive::Problem problem = problem_of(2);
    OperationList list = list_operations(problem.layers);
    const OperationKind affine = OperationKind::affine, activation = OperationKind::activation;
    const OperationKind kinds[] = {affine, activation, affine, activation, affine};
    const int64_t outputs[] = {1, 1, 2, 2, 3}, kept[] = {0, 0, 40, 40, 53};
    CHECK(list.operations.size() == 5);
    for (size_t i = 0; i < 5; ++i) {
        const Operation& each = list.operations[i];
        CHECK(each.kind == kinds[i] && each.output == outputs[i] && each.kept == kept[i]);
        CHECK(each.input == outputs[i] - (each.kind == affine) && !each.whole_batch);
        CHECK(each.gated == (each.kind == activation));
        CHECK(each.gate == (each.kind == affine && i ? Gate::kept : Gate::none));
    }
    CHECK(list.kept == 53);
    CHECK((list.widths == std::vector<int64_t>{9, 40, 13, 3, 40}));
    problem.layers[0].activation = Activation::identity;
    CHECK(list_operations(problem.layers).operations.size() == 4);
}

TEST_EACH_ISA("operations", "a list cut into stages gives the bits of an uncut one") {
    for (int threads : {1, 3}) {
        const auto whole = numbers<float>({}, 500, threads);
        for (const std::vector<size_t>& cuts : {std::vector<size_t>{1}, {2}, {4}, {1, 2, 3, 4}})
            CHECK(numbers<float>(cuts, 500, threads) == whole);
        CHECK(numbers<double>({2, 3}, 500, threads) == numbers<double>({}, 500, threads));
    }
}
