//! The shapes of the public API.
