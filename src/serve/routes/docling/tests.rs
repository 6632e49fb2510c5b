//! Bodies against their description.

use super::*;
use crate::serve::openapi::{self, fields_of, names};

#[test]
fn what_is_read_is_what_is_described() {
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    for (read, described) in [
        (fields_of::<JsonOrder>(), openapi::DOCLING_ORDER),
        (fields_of::<JsonSource>(), openapi::DOCLING_SOURCE),
        (fields_of::<Target>(), openapi::DOCLING_TARGET),
    ] {
        assert_eq!(sorted(read), sorted(names(described)));
    }
}
