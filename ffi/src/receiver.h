// Where events go: the program's function, and what it wanted to have with it.
#pragma once

#include "licsdk/licsdk.h"
#include "rust/cxx.h"

#include <string>

namespace licsdk {
namespace bridge {

class Receiver {
public:
    Receiver(licsdk_event_fn recall, void *user, licsdk_release_fn release)
        : recall_(recall), user_(user), release_(release) {}
    Receiver(const Receiver &) = delete;
    Receiver &operator=(const Receiver &) = delete;
    ~Receiver() {
        if (release_ == nullptr) return;
        try {
            release_(user_);
        } catch (...) {
        }
    }

    // An exception that left here would end the process: Rust cannot be unwound by C++.
    void deliver(int event, rust::Str message) const noexcept {
        if (recall_ == nullptr) return;
        try {
            recall_(user_, event, std::string(message).c_str());
        } catch (...) {
        }
    }

private:
    licsdk_event_fn recall_;
    void *user_;
    licsdk_release_fn release_;
};

}  // namespace bridge
}  // namespace licsdk
