// Wide text and code pages: Windows programs hold their paths so, and only wide paths reach every
// file there. Elsewhere `wchar_t` holds UTF-32, and the same functions serve programs that share code.

#include "licsdk/licsdk.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <string>

#ifdef _WIN32
#  define WIN32_LEAN_AND_MEAN
#  define NOMINMAX
#  include <windows.h>
#endif

namespace {

constexpr uint32_t BAD = 0xFFFFFFFF;

bool is_scalar(uint32_t point) { return point < 0xD800 || (point > 0xDFFF && point < 0x110000); }

// The next code point of wide text; surrogate pairs where `wchar_t` is UTF-16.
uint32_t next_point(const wchar_t *&at) {
    const uint32_t first = static_cast<uint32_t>(*at++);
    if (sizeof(wchar_t) != 2 || first < 0xD800 || first > 0xDFFF) {
        return is_scalar(first) ? first : BAD;
    }
    const uint32_t second = static_cast<uint32_t>(*at);
    if (first > 0xDBFF || second < 0xDC00 || second > 0xDFFF) return BAD;
    ++at;
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

void put_utf8(std::string &out, uint32_t point) {
    const auto tail = [&](int shift) {
        out += static_cast<char>(0x80 | ((point >> shift) & 0x3F));
    };
    if (point < 0x80) {
        out += static_cast<char>(point);
    } else if (point < 0x800) {
        out += static_cast<char>(0xC0 | (point >> 6));
        tail(0);
    } else if (point < 0x10000) {
        out += static_cast<char>(0xE0 | (point >> 12));
        tail(6), tail(0);
    } else {
        out += static_cast<char>(0xF0 | (point >> 18));
        tail(12), tail(6), tail(0);
    }
}

// The next code point of UTF-8; over-long forms, surrogates and cut sequences are BAD.
uint32_t next_point(const unsigned char *&at) {
    const uint32_t first = *at++;
    if (first < 0x80) return first;
    const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC2 ? 1 : 0;
    if (more == 0 || first > 0xF4) return BAD;
    uint32_t point = first & (0x3Fu >> more);
    for (int i = 0; i < more; ++i) {
        if ((*at & 0xC0) != 0x80) return BAD;
        point = (point << 6) | (*at++ & 0x3Fu);
    }
    const uint32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    return point >= least && is_scalar(point) ? point : BAD;
}

void put_wide(std::wstring &out, uint32_t point) {
    if (sizeof(wchar_t) != 2 || point < 0x10000) {
        out += static_cast<wchar_t>(point);
    } else {
        out += static_cast<wchar_t>(0xD800 + ((point - 0x10000) >> 10));
        out += static_cast<wchar_t>(0xDC00 + ((point - 0x10000) & 0x3FF));
    }
}

template <class Char>
Char *copy(const std::basic_string<Char> &text) {
    const size_t bytes = (text.size() + 1) * sizeof(Char);
    Char *made = static_cast<Char *>(std::malloc(bytes));
    if (made != nullptr) std::memcpy(made, text.c_str(), bytes);
    return made;
}

}  // namespace

extern "C" {

char *licsdk_from_wide(const wchar_t *text) LICSDK_NOEXCEPT {
    if (text == nullptr) return nullptr;
    try {
        std::string out;
        while (*text != L'\0') {
            const uint32_t point = next_point(text);
            if (point == BAD) return nullptr;
            put_utf8(out, point);
        }
        return copy(out);
    } catch (...) {
        return nullptr;
    }
}

wchar_t *licsdk_to_wide(const char *text) LICSDK_NOEXCEPT {
    if (text == nullptr) return nullptr;
    try {
        std::wstring out;
        const unsigned char *at = reinterpret_cast<const unsigned char *>(text);
        while (*at != 0) {
            const uint32_t point = next_point(at);
            if (point == BAD) return nullptr;
            put_wide(out, point);
        }
        return copy(out);
    } catch (...) {
        return nullptr;
    }
}

void licsdk_wide_free(wchar_t *text) LICSDK_NOEXCEPT { std::free(text); }

#ifdef _WIN32
char *licsdk_from_ansi(const char *text) LICSDK_NOEXCEPT {
    if (text == nullptr) return nullptr;
    try {
        const int len = MultiByteToWideChar(CP_ACP, MB_ERR_INVALID_CHARS, text, -1, nullptr, 0);
        if (len <= 0) return nullptr;
        std::wstring wide(static_cast<size_t>(len), L'\0');
        MultiByteToWideChar(CP_ACP, MB_ERR_INVALID_CHARS, text, -1, &wide[0], len);
        return licsdk_from_wide(wide.c_str());
    } catch (...) {
        return nullptr;
    }
}
#endif

}  // extern "C"
