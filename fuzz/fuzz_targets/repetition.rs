//! Cutting repetitions never panics and never makes a text longer.
#![no_main]

use docparse::internals::content::{MIN_LENGTH, MIN_LENGTH_TABLE, truncate_repetition};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for least in [0, MIN_LENGTH, MIN_LENGTH_TABLE] {
        assert!(truncate_repetition(text, least).len() <= text.len());
    }
});
