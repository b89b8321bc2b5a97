#include "deltarule/threads.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace deltarule {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto spin_time = std::chrono::microseconds(20);

long process_id() {
#if defined(__unix__) || defined(__APPLE__)
    return long(getpid());
#else
    return 0;
#endif
}

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

/// Waits for `ready()` for a while: spinning at first, then yielding.
template <class Ready>
bool spin(Ready ready) {
    for (int round = 0; round < 64; ++round) {
        if (ready()) return true;
        pause_briefly();
    }
    for (auto start = Clock::now(), now = start; now - start < 2 * spin_time; now = Clock::now()) {
        if (ready()) return true;
        if (now - start < spin_time) pause_briefly();
        else std::this_thread::yield();
    }
    return ready();
}

/// Tasks are handed out by one word: the round in its upper half, the next task in its lower half.
/// The caller waits for tasks, not for members: one that the system does not schedule delays nobody,
/// and one that comes late finds another round or no task left and changes nothing.
class Team {
public:
    bool try_run(int threads, int64_t tasks, TaskFunction function, void* context) {
        // No mutex: a task may ask for a team itself, on the thread that holds this one.
        if (busy_.exchange(true, std::memory_order_acquire)) return false;
        while (members_ < threads - 1 && start_member()) {
        }
        const uint64_t round = round_of(ticket_.load()) + 1;
        ticket_ = round << 32 | closed;  // nobody takes a task while its description changes
        function_ = function;
        context_ = context;
        tasks_ = uint32_t(tasks);
        wanted_ = threads - 1;
        left_ = tasks;
        ticket_ = round << 32;
        if (sleepers_.load() > 0) {
            std::lock_guard lock(sleep_);
            wake_.notify_all();
        }
        work(0, round);
        while (!spin([this] { return left_.load(std::memory_order_acquire) == 0; }))
            std::this_thread::yield();
        busy_.store(false, std::memory_order_release);
        return true;
    }

private:
    static constexpr uint64_t closed = 0xFFFFFFFF;
    static uint64_t round_of(uint64_t ticket) { return ticket >> 32; }

    /// False where the system has no more threads to give; those that are here do the work.
    bool start_member() {
        const int number = members_ + 1;
        try {
            std::thread([this, number] { serve(number); }).detach();  // for as long as the process lives
        } catch (const std::system_error&) {
            return false;
        }
        members_ = number;
        return true;
    }

    void serve(int number) {
        uint64_t seen = 0;
        auto called = [&] {
            const uint64_t ticket = ticket_.load();
            return round_of(ticket) != seen && uint32_t(ticket) != closed;
        };
        for (;;) {
            if (!spin(called)) {
                std::unique_lock lock(sleep_);
                ++sleepers_;
                wake_.wait(lock, called);
                --sleepers_;
            }
            const uint64_t ticket = ticket_.load();
            if (uint32_t(ticket) == closed) continue;
            seen = round_of(ticket);
            if (number <= wanted_.load()) work(number, seen);
        }
    }

    void work(int number, uint64_t round) {
        for (;;) {
            uint64_t ticket = ticket_.load();
            const uint32_t task = uint32_t(ticket);
            const TaskFunction function = function_.load();
            void* const context = context_.load();
            if (round_of(ticket) != round || task >= tasks_.load()) return;
            // Success proves that the round still runs, and so that what was read belongs to it.
            if (!ticket_.compare_exchange_weak(ticket, ticket + 1)) continue;
            function(context, number, int64_t(task));
            left_.fetch_sub(1, std::memory_order_release);
        }
    }

    std::atomic<bool> busy_ = false;
    std::mutex sleep_;
    std::condition_variable wake_;
    int members_ = 0;
    std::atomic<int> sleepers_ = 0;
    std::atomic<uint64_t> ticket_ = 0;
    std::atomic<TaskFunction> function_ = nullptr;
    std::atomic<void*> context_ = nullptr;
    std::atomic<uint32_t> tasks_ = 0;
    std::atomic<int> wanted_ = 0;
    std::atomic<int64_t> left_ = 0;
};

/// The team of this process. After a fork the parent's is left behind: its threads are not here.
Team& team() {
    static std::mutex guard;
    static Team* current = nullptr;
    static std::atomic<long> owner = 0;
    const long here = process_id();
    if (owner.load() == here) return *current;
    std::lock_guard lock(guard);
    if (owner.load() != here) {
        current = new Team;
        owner = here;
    }
    return *current;
}

}  // namespace

void run_tasks(int threads, int64_t tasks, TaskFunction function, void* context) {
    if (threads > tasks) threads = int(tasks);
    if (threads > 1 && team().try_run(threads, tasks, function, context)) return;
    for (int64_t task = 0; task < tasks; ++task) function(context, 0, task);
}

}  // namespace deltarule
