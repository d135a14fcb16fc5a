//! The bridge between the SDK in Rust and its C interface in `licsdk.cpp`. No rule lives here: every
//! function is one call of `license_client`, guarded against unwinding into C++.

#[expect(unsafe_code, reason = "cxx writes the calls; their signatures are checked on both sides")]
#[expect(unreachable_pub, unused_qualifications, reason = "cxx writes them")]
mod bridge;
mod codes;
mod engine;
mod reply;
mod text;
