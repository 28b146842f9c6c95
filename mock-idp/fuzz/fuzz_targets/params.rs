//! Parameters: reading never panics, and what is written is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mock_idp::protocol::params::Params;

fuzz_target!(|bytes: &[u8]| {
    let params = Params::parse(bytes);
    for name in params.duplicates() {
        assert!(params.has(name));
    }
    let read = Params::parse(Params::write(&params.0).as_bytes());
    assert_eq!(read, params);
});
