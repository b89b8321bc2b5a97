#include "deltarule/threads.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

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

/// Waits until `ready()`: spinning at first, yielding for as long again.
template <class Ready>
bool spin(Ready ready) {
    for (int round = 0; round < 64; ++round) {
        if (ready()) return true;
        pause_briefly();
    }
    const auto start = Clock::now();
    while (Clock::now() - start < 2 * spin_time) {
        if (ready()) return true;
        if (Clock::now() - start < spin_time) pause_briefly();
        else std::this_thread::yield();
    }
    return ready();
}

class Team {
public:
    bool try_run(int threads, int64_t tasks, TaskFunction function, void* context) {
        std::unique_lock busy(busy_, std::try_to_lock);
        if (!busy) return false;
        while (int(members_.size()) < threads - 1) start_member();
        function_ = function;
        context_ = context;
        tasks_ = tasks;
        next_ = 0;
        working_ = threads - 1;
        {
            std::lock_guard lock(sleep_);
            wanted_ = threads - 1;
            ++round_;
        }
        wake_.notify_all();
        work(0);
        while (!spin([this] { return working_.load(std::memory_order_acquire) == 0; })) {
            std::this_thread::yield();
        }
        return true;
    }

private:
    void start_member() {
        const int number = int(members_.size()) + 1;
        const uint64_t seen = round_;
        members_.emplace_back([this, number, seen] { serve(number, seen); });
        members_.back().detach();  // members live as long as the process
    }

    void serve(int number, uint64_t seen) {
        for (;;) {
            auto called = [&] { return round_.load(std::memory_order_acquire) != seen; };
            if (!spin(called)) {
                std::unique_lock lock(sleep_);
                wake_.wait(lock, called);
            }
            int wanted;
            {
                std::lock_guard lock(sleep_);
                seen = round_;
                wanted = wanted_;
            }
            if (number > wanted) continue;
            work(number);
            working_.fetch_sub(1, std::memory_order_release);
        }
    }

    void work(int number) {
        for (;;) {
            const int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
            if (task >= tasks_) return;
            function_(context_, number, task);
        }
    }

    std::mutex busy_, sleep_;
    std::condition_variable wake_;
    std::vector<std::thread> members_;
    std::atomic<uint64_t> round_ = 0;
    int wanted_ = 0;
    std::atomic<int> working_ = 0;
    std::atomic<int64_t> next_ = 0;
    int64_t tasks_ = 0;
    TaskFunction function_ = nullptr;
    void* context_ = nullptr;
};

/// The team of this process. After a fork the parent's is left behind: its threads are not here.
Team& team() {
    static std::atomic<Team*> current = nullptr;
    static std::atomic<long> owner = 0;
    const long here = process_id();
    if (owner.load() != here || !current.load()) {
        Team* fresh = new Team;
        Team* old = current.load();
        if (current.compare_exchange_strong(old, fresh)) owner = here;
        else delete fresh;
    }
    return *current.load();
}

}  // namespace

void run_tasks(int threads, int64_t tasks, TaskFunction function, void* context) {
    if (threads > tasks) threads = int(tasks);
    if (threads > 1 && team().try_run(threads, tasks, function, context)) return;
    for (int64_t task = 0; task < tasks; ++task) function(context, 0, task);
}

}  // namespace deltarule
