//! Compiles the bridge's generated C++ into the crate; the C interface on top of it is done outside of cargo.

fn main() {
    cxx_build::bridge("src/bridge.rs")
        .include("include")
        .include("src")
        .std("c++14")
        .flag_if_supported("-fno-gnu-unique")
        .compile("licsdk-bridge");
    println!("cargo:rerun-if-changed=src/bridge.rs");
    println!("cargo:rerun-if-changed=src/receiver.h");
    println!("cargo:rerun-if-changed=include/licsdk/licsdk.h");
}
