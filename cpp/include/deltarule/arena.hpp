#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

/// One block of zeroed memory, handed out in pieces that begin on a cache line. Pieces live as long
/// as the arena; nothing is given back singly. What nobody touches takes no memory of the machine.
namespace deltarule {

class Arena {
public:
    /// Bytes that `count` elements of `size` bytes take in an arena.
    static size_t need(int64_t count, size_t size);

    explicit Arena(size_t bytes);

    template <class T>
    T* take(int64_t count) {
        return static_cast<T*>(piece(need(count, sizeof(T))));
    }

private:
    void* piece(size_t bytes);

    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };

    std::unique_ptr<std::byte, Free> memory_;
    std::byte* next_;
    std::byte* end_;
};

}  // namespace deltarule
