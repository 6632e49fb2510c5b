//! Tests of Word documents: they are unpacked and read back.
