#pragma once
#include <cstdint>

/// Calls of operator new in this program so far, so that a run can be held to none.
int64_t allocations();
