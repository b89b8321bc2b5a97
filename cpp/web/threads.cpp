// A page's core has one thread, and no team to wake.

#include "deltarule/threads.hpp"

namespace deltarule {

void run_tasks(int, int64_t tasks, TaskFunction function, void* context) {
    for (int64_t task = 0; task < tasks; ++task) function(context, 0, task);
}

}  // namespace deltarule
