#pragma once
#include <memory>
#include <vector>

#include "deltarule/arena.hpp"
#include "deltarule/panels.hpp"
#include "deltarule/threads.hpp"
#include "deltarule/watch.hpp"

namespace deltarule {

/// What a network does with rows, in order; see operations.hpp.
struct OperationList {
    std::vector<Operation> operations;
    std::vector<int64_t> widths;  ///< of the blocks; behind them the widest but the inputs
    int64_t kept = 0;             ///< numbers per sample that operations keep
    int64_t sums = 0;             ///< vectors of numbers per strip that strips sum up
};

OperationList list_operations(const std::vector<Layer>& layers, const Prelude& prelude = {});

/// Many rows at once through a network: mini-batch steps, predictions, losses and gradients. Owns the
/// buffers that the kernels work in.
template <class T>
class BatchRoad {
public:
    BatchRoad(Panels<T>& panels, Watch& watch, int threads);
    BatchRoad(Panels<T>& panels, Watch& watch, int threads, OperationList list);
    ~BatchRoad();

    /// One step over the rows that `order` names; returns Σ w f as met. Leaves the weights alone where
    /// that is not finite or the watch stopped the call before they were touched. Key and clock are
    /// those of what a step draws, and of what it remembers.
    double step(const Samples<T>& samples, const int64_t* order, int64_t rows, const Update<T>& update,
                double scale, uint64_t key = 0, int64_t clock = 0);
    void predict(const Samples<T>& samples, T* predictions);
    /// Σ w f; with `gradient` also its gradient as a canonical vector.
    double loss(const Samples<T>& samples, T* gradient = nullptr);
    /// Makes the buffers for steps over so many rows, or for a gradient beside training.
    void prepare(int64_t rows, const Samples<T>& samples, bool training = true);

private:
    struct Buffers;
    struct Cut;

    Cut cut(int64_t rows, bool measure) const;
    const std::vector<Stage>& stages_of(const Batch<T>& batch) const {
        return measures_ && !batch.measure ? straight_ : stages_;
    }
    void clip_and_update(Batch<T>& batch);
    void average(const Batch<T>& batch);
    std::vector<Task> plan_tasks(int64_t first_layer_rows) const;
    void plan_stages();
    Batch<T> batch_of(const Samples<T>& samples) const;
    void reserve(const Samples<T>& samples, int64_t slots, int64_t parts, int64_t losses);
    double rows_with_gradient(Batch<T>& batch, int64_t rows);
    double whole(Batch<T>& batch);
    double in_parts(Batch<T>& batch);
    double forward_only(const Samples<T>& samples, T* predictions);
    void run_watched(Batch<T>& batch, int64_t tasks, TaskFunction function, bool may_end);
    int team(int64_t rows) const;
    bool reads_entries(const Samples<T>& samples) const;

    Panels<T>& panels_;
    Watch& watch_;
    int threads_;
    OperationList list_;
    std::vector<Stage> stages_, straight_;  ///< cut, and in one piece
    bool measures_ = false;                 ///< whether batches are normalised by their own statistics
    bool sums_strips_ = false;              ///< whether strips sum something up
    std::vector<double> squares_;
    std::vector<Task> tasks_, entry_tasks_;
    std::unique_ptr<Buffers> buffers_;
};

}  // namespace deltarule
