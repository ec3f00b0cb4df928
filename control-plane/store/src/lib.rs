//! gimlet-store
