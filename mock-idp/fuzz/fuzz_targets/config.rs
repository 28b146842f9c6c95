//! `mock-idp.toml`: any text is an org or a mistake that is told with its place.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(mistake) = mock_idp::config::parse("mock-idp.toml", text) {
        assert!(!mistake.to_string().is_empty());
    }
});
