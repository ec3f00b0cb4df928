//! gimlet-tests
