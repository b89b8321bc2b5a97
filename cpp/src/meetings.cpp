#include "deltarule/meetings.hpp"

#include <algorithm>
#include <vector>

namespace deltarule {
namespace {

/// Strips of mini-batches, and how many of their rows must meet for CSR to be written out (measured on
/// MNIST and on even rows: equal at about four).
constexpr Groups strips{24, 8, false};
constexpr double enough_for_strips = 4;

/// Calls `act(column)` for the columns in which a row is not zero.
template <class T, class Action>
void each_used(const Samples<T>& samples, int64_t width, int64_t row, Action act) {
    if (samples.dense) {
        const T* const x = samples.dense + row * width;
        for (int64_t i = 0; i < width; ++i)
            if (x[i] != T(0)) act(i);
        return;
    }
    const auto look = [&](const auto* columns, const auto* starts) {
        for (int64_t at = starts[row]; at < starts[row + 1]; ++at)
            if (samples.values[at] != T(0)) act(int64_t(columns[at]));
    };
    if (samples.starts32) look(samples.columns32, samples.starts32);
    else look(samples.columns64, samples.starts64);
}

}  // namespace

template <class T>
Meetings meetings(const Samples<T>& samples, int64_t width, Groups groups) {
    const int64_t count = std::min(groups.count, samples.rows / groups.together);
    if (count < 1) return {0, 0};
    std::vector<int64_t> last_group(size_t(width), -1);
    int64_t entries = 0, used = 0;
    for (int64_t group = 0; group < count; ++group)
        for (int64_t i = 0; i < groups.together; ++i) {
            const int64_t row = groups.apart
                                    ? (i * count + group) * (samples.rows / (groups.together * count))
                                    : group * samples.rows / count + i;
            each_used(samples, width, row, [&](int64_t column) {
                int64_t& last = last_group[size_t(column)];
                used += last != group;
                last = group;
                ++entries;
            });
        }
    return {double(used) / double(count * width), used ? double(entries) / double(used) : 0};
}

template <class T>
bool meet_in_columns(const Samples<T>& samples, int64_t width) {
    return meetings(samples, width, strips).rows >= enough_for_strips;
}

template Meetings meetings<float>(const Samples<float>&, int64_t, Groups);
template Meetings meetings<double>(const Samples<double>&, int64_t, Groups);
template bool meet_in_columns<float>(const Samples<float>&, int64_t);
template bool meet_in_columns<double>(const Samples<double>&, int64_t);

}  // namespace deltarule
