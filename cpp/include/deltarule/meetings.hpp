#pragma once
#include "deltarule/plan.hpp"

namespace deltarule {

/// Which rows are looked at together: so many, in so many groups at most, side by side or far apart.
struct Groups {
    int64_t together, count;
    bool apart;
};

/// Means over some groups of rows: in which share of the columns one of them is not zero, and how many are
/// not zero in such a column.
struct Meetings {
    double columns, rows;
};

/// 0 and 0 where there are too few rows to tell. Dense rows and CSR give the same numbers.
template <class T>
Meetings meetings(const Samples<T>& samples, int64_t width, Groups groups);

/// Whether rows of CSR are better written out, as `Samples` says: where the entries of rows that lie
/// together meet in the same columns. Either way gives the same bits.
template <class T>
bool meet_in_columns(const Samples<T>& samples, int64_t width);

}  // namespace deltarule
