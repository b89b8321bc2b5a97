#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "deltarule/panels.hpp"

namespace deltarule {

/// Dense rows wherever they lie: numbers of type S, distances counted in numbers.
template <class S>
struct RowsAt {
    const S* first;
    int64_t rows;
    int64_t row_step;
    int64_t step;  ///< from one number of a row to the next
};

/// A network for rows one by one. Nothing is written after construction and nothing is shared between
/// calls, so any number of threads may predict at once where nobody changes the numbers meanwhile.
template <class T>
class Predictor {
public:
    /// `vector` and `buffers` (null: as they begin) are canonical. With `scale` an input x becomes
    /// (x - center) / scale, computed in double; both then have one number for each input.
    Predictor(std::vector<Layer> layers, const T* vector, std::vector<double> center,
              std::vector<double> scale, std::vector<HeadSettings> heads = {}, const T* buffers = nullptr,
              PreludeSettings prelude = {});
    /// The same with numbers that others change between calls and that live as long as this: what a
    /// training publishes of them. The output activation of a single head may be another.
    Predictor(const Panels<T>& panels, std::optional<Activation> last, std::vector<double> center,
              std::vector<double> scale);

    int64_t inputs() const { return inputs_of(network_); }
    int64_t outputs() const { return network_.layers[network_.depth - 1].units; }
    double microseconds(int64_t rows) const { return panels_.microseconds(rows); }

    /// a^L of every row, (rows, outputs). `to` is written after the row has been read.
    template <class S>
    void predict(const RowsAt<S>& X, T* to) const;

private:
    template <class S>
    void prepare(const S* row, int64_t step, T* to) const;

    std::unique_ptr<const Panels<T>> own_;
    const Panels<T>& panels_;
    Network network_;
    std::vector<Head> other_;  ///< with an activation that is not the network's own
    std::vector<double> center_, scale_;
    int64_t widest_;  ///< numbers of the widest layer, padding included, and of what stands before the first
};

}  // namespace deltarule
