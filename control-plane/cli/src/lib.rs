//! gimlet-cli
