#pragma once
#include <memory>
#include <vector>

#include "deltarule/arena.hpp"
#include "deltarule/panels.hpp"
#include "deltarule/threads.hpp"
#include "deltarule/watch.hpp"

namespace deltarule {

/// Many rows at once through a network: mini-batch steps, predictions, losses and gradients. Owns the
/// buffers that the kernels work in.
template <class T>
class BatchRoad {
public:
    BatchRoad(Panels<T>& panels, Watch& watch, int threads);
    ~BatchRoad();

    /// One step over the rows that `order` names; returns Σ w f as met. Leaves the weights alone where
    /// that is not finite or the watch stopped the call before they were touched.
    double step(const Samples<T>& samples, const int64_t* order, int64_t rows, const Update<T>& update,
                double scale);
    void predict(const Samples<T>& samples, T* predictions);
    /// Σ w f; with `gradient` also its gradient as a canonical vector.
    double loss(const Samples<T>& samples, T* gradient = nullptr);
    /// Makes the buffers for steps over so many rows.
    void prepare(int64_t rows, const Samples<T>& samples);

private:
    struct Chunk;

    std::vector<Task> plan_tasks(int64_t first_layer_rows) const;
    double pass(Batch<T>& batch);
    void run_watched(Batch<T>& batch, int64_t tasks, TaskFunction function, bool may_end);
    int team(int64_t rows) const;
    int64_t chunk_rows() const;

    Panels<T>& panels_;
    Watch& watch_;
    int threads_;
    std::vector<Task> tasks_, sparse_tasks_;
    std::unique_ptr<Chunk> chunk_;
};

}  // namespace deltarule
