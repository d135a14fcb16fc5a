//! Another Rust library that the program happens to contain, with a panic of its own.

use std::{collections::HashMap, panic};

/// Uses the allocator, formatting, threads' locals and unwinding of its own copy of Rust's library.
#[unsafe(no_mangle)]
pub extern "C" fn second_sum(upto: u32) -> u64 {
    let caught = panic::catch_unwind(|| {
        let words: HashMap<u32, String> = (0..upto).map(|i| (i, format!("{i}"))).collect();
        assert!(words.len() > 1_000_000, "on purpose");
    });
    u64::from(caught.is_err()) * (0..u64::from(upto)).sum::<u64>()
}
