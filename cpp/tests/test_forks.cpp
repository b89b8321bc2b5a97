#include <atomic>
#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "check.hpp"
#include "deltarule/threads.hpp"

using namespace deltarule;

// Apart from test_threads.cpp, for qemu cannot start threads in a forked child (tools/aarch64.py).

#if defined(__unix__)
namespace {

bool a_team_counts() {
    std::atomic<int> count = 0;
    for (int round = 0; round < 50; ++round)
        run_tasks(
            3, 500, [](void* context, int, int64_t) { ++*static_cast<std::atomic<int>*>(context); }, &count);
    return count == 50 * 500;
}

}  // namespace

TEST("forks", "a forked child has a team of its own") {
    CHECK(a_team_counts());
    const pid_t child = fork();
    if (child == 0) _exit(a_team_counts() ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(a_team_counts());
}
#endif
