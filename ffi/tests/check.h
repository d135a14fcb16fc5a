// Tests without a framework: TEST(name) { CHECK(...); }. One process runs one test, so that a crash
// or a hang is the failure of that test alone.
#pragma once

#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace check {

using Tests = std::vector<std::pair<std::string, std::function<void()>>>;

inline Tests &tests() {
    static Tests all;
    return all;
}

struct Added {
    Added(const char *name, std::function<void()> body) { tests().emplace_back(name, body); }
};

struct Failed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class A, class B>
void equal(const A &got, const B &expected, const char *what, const char *file, int line) {
    if (got == expected) return;
    std::ostringstream text;
    text << file << ":" << line << ": " << what << "\n  got      " << got << "\n  expected "
         << expected;
    throw Failed(text.str());
}

inline void holds(bool held, const std::string &what, const char *file, int line) {
    if (held) return;
    throw Failed(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

inline std::string environment(const char *name) {
    const char *value = std::getenv(name);
    if (value == nullptr) throw Failed(std::string(name) + " is not set; run this by ctest");
    return value;
}

inline int run(int argc, char **argv) {
    const std::string wanted = argc > 1 ? argv[1] : "";
    int ran = 0, failed = 0;
    for (const auto &test : tests()) {
        if (!wanted.empty() && wanted != test.first) continue;
        ++ran;
        try {
            test.second();
            std::cout << "ok      " << test.first << std::endl;
        } catch (const std::exception &error) {
            ++failed;
            std::cout << "FAILED  " << test.first << "\n" << error.what() << std::endl;
        }
    }
    if (ran == 0) std::cout << "no such test: " << wanted << std::endl;
    return ran > 0 && failed == 0 ? 0 : 1;
}

}  // namespace check

#define TEST(name)                                    \
    static void name();                               \
    static const check::Added added_##name(#name, name); \
    static void name()
#define CHECK(held) check::holds((held), #held, __FILE__, __LINE__)
#define CHECK_TEXT(held, text) check::holds((held), (text), __FILE__, __LINE__)
#define CHECK_EQ(got, expected) check::equal((got), (expected), #got, __FILE__, __LINE__)
