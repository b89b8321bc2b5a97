#pragma once
#include <cstdint>

/// A small team of threads for tasks that write to different places. Which worker runs which task
/// is left open, so a task's result must not depend on it; then no number of threads changes a bit.
///
/// Threads are started when first needed, spin for a few microseconds after work and then sleep.
/// After fork() the child starts its own. A team that is busy with another caller is not waited
/// for: the caller does its tasks alone.
namespace deltarule {

using TaskFunction = void (*)(void* context, int worker, int64_t task);

/// Runs tasks 0 … tasks - 1 on at most `threads` threads, the caller among them, and waits.
void run_tasks(int threads, int64_t tasks, TaskFunction function, void* context);

}  // namespace deltarule
