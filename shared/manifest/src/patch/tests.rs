//! Patches by example.
