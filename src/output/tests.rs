//! Planning, publishing and the record, on real folders.
