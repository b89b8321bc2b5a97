#pragma once
#include <utility>

#include "arrays.hpp"

/// What a long call needs: signals heard while it works, and one call at a time.
namespace deltarule::bindings {

/// A new object that belongs to Python: cast alone would leave it to nobody.
template <class Object, class... Arguments>
nb::object made(Arguments&&... arguments) {
    return nb::cast(new Object(std::forward<Arguments>(arguments)...), nb::rv_policy::take_ownership);
}

/// Lets Python see the signals that came while its lock was free. Only its main thread hears them;
/// elsewhere the answer is no after the first question, without asking for the lock again.
class Signals {
public:
    void begin() { deaf_ = false; }
    /// Whether a handler raised; the exception is then Python's current one.
    bool raised() {
        if (deaf_) return false;
        nb::gil_scoped_acquire acquire;
        try {
            const auto main = nb::module_::import_("threading").attr("main_thread")().attr("ident");
            deaf_ = nb::cast<unsigned long>(main) != PyThread_get_thread_ident();
        } catch (nb::python_error& error) {  // a handler ran in there
            error.restore();
            return true;
        }
        return !deaf_ && PyErr_CheckSignals() != 0;
    }

private:
    bool deaf_ = false;
};

[[noreturn]] inline void refuse_busy(const std::string& what) {
    refuse("the " + what + " is at work in another call. Open a " + what + " for each thread.");
}

/// Keeps a session, or what goes by it, to one call at a time, whatever threads and signal handlers do.
class Use {
public:
    explicit Use(bool& busy, const char* what = "session") : busy_(busy) {
        if (busy) refuse_busy(what);
        busy_ = true;
    }
    ~Use() { busy_ = false; }
    Use(const Use&) = delete;

private:
    bool& busy_;
};

}  // namespace deltarule::bindings
