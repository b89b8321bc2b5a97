#include "deltarule/arena.hpp"

#include <new>

namespace deltarule {

namespace {
constexpr size_t line = 64;
}

size_t Arena::need(int64_t count, size_t size) { return (size_t(count) * size + line - 1) / line * line; }

Arena::Arena(size_t bytes) : memory_(static_cast<std::byte*>(std::calloc(bytes + line, 1))) {
    if (!memory_) throw std::bad_alloc();
    const auto address = reinterpret_cast<uintptr_t>(memory_.get());
    next_ = memory_.get() + (line - address % line) % line;
    end_ = next_ + bytes;
}

void* Arena::piece(size_t bytes) {
    if (bytes > size_t(end_ - next_)) throw std::bad_alloc();
    std::byte* const begin = next_;
    next_ += bytes;
    return begin;
}

}  // namespace deltarule
