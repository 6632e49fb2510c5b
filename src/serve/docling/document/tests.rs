//! Documents made of small JSON.
