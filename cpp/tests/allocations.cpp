#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> count = 0;

void* counted(std::size_t bytes) {
    ++count;
    void* const found = std::malloc(bytes ? bytes : 1);
    if (!found) throw std::bad_alloc();
    return found;
}

void* counted(std::size_t bytes, std::align_val_t alignment) {
    ++count;
    const std::size_t line = std::size_t(alignment);
    void* const found = std::aligned_alloc(line, (bytes + line - 1) / line * line);
    if (!found) throw std::bad_alloc();
    return found;
}

}  // namespace

int64_t check::allocations() { return count; }

// The array forms call these.
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return counted(bytes, alignment); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }
