#pragma once
#include <cstdint>

/// The mini-batch road's view of a network: a list of operations, each from one block of numbers to
/// another, and behind the last one the head, which activates the outputs and judges them.
///
/// Blocks are numbered from the inputs (0) to the outputs. A strip of samples is taken through the
/// whole list and back while its numbers are in the cache. Then the parameters follow, rectangle by
/// rectangle, summed over all strips. Dense hidden layers are two operations, `affine` and, unless it
/// is the identity, `activation`, or `mixture` in its place. Two things are done where a product ends,
/// before its numbers leave the registers: relu, which is no operation of its own then, and σ'(z) times
/// the delta of the block below.
///
/// To add a kind:
///
///   1. name it in `OperationKind`, and let `list_operations` (batch_road.cpp) emit it: the blocks it
///      reads and writes (the same block where it works in place) and how many numbers per sample it
///      keeps from the way there for the way back;
///   2. write `operation_<kind>.hpp` with its functions of one strip: `forward` fills its output block
///      and, if that is another than its input, the row of ones behind it; `backward` turns the delta
///      of its output block into that of its input block. A kind with parameters has `gradient` as well:
///      it sums over all samples of the batch for one rectangle of them, and the road updates it;
///   3. add it to `operation_functions` in kernels_batches.cpp.
///
/// Where an operation needs a number of the whole batch (a mean, say), it says `whole_batch`. The list
/// is then cut in front of it into stages: all strips end one stage before any begins the next. An
/// uncut list is one stage, and pays nothing. Batch normalisation is two operations on either side of
/// a cut: `moments` sums up what strips have, `normalize` uses it, and on the way back the other way
/// round; at the cut `Kernels::combine` makes one of what all strips have.
///
/// What stands in front of the first layer, `embed` and `scale`, has a block of its own behind it each. The
/// affine operation behind it reads that, and sends a delta down to it, which the inputs never need.
namespace deltarule {

enum class OperationKind : int {
    affine,
    activation,
    moments,
    normalize,
    normalize_rows,
    dropout,
    mixture,
    embed,
    scale
};

inline bool normalizes(OperationKind kind) {
    return kind == OperationKind::normalize || kind == OperationKind::normalize_rows;
}
/// Whether it has parameters that lie in one piece, whose gradient its strips sum up.
inline bool in_one_piece(OperationKind kind) {
    return normalizes(kind) || kind == OperationKind::mixture || kind == OperationKind::embed ||
           kind == OperationKind::scale;
}

/// What an affine operation multiplies the delta of its input by: nothing, what the activation before it
/// kept, or one where the input is positive and else zero.
enum class Gate : int { none, kept, positive };

struct Operation {
    OperationKind kind;
    int64_t layer;          ///< of the network: its description, and where its parameters lie
    int64_t input, output;  ///< blocks
    int64_t kept;           ///< numbers per sample that the operations before it keep
    bool whole_batch;       ///< every sample must have come here before one goes on
    bool rectify = false;   ///< of affine: its output is relu
    Gate gate = Gate::none;
    bool gated = false;   ///< of activation: its delta comes multiplied by σ'(z)
    int64_t sums = 0;     ///< of kinds whose strips sum up: vectors of such sums that stand before
    bool listed = false;  ///< a column of its input that is zero throughout a strip is one of the rows'
    int64_t wanted = 0;   ///< of affine: its inputs from here on want a delta
};

/// Operations that a strip runs in one go.
struct Stage {
    int64_t begin, end;
    bool forward, backward;
};

}  // namespace deltarule
