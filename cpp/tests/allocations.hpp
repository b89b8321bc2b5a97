#pragma once
#include <cstdint>

/// How often this program has asked for memory, on any thread: allocations.cpp replaces `new`.
namespace check {
int64_t allocations();
}
