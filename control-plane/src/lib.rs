//! gimlet-control-plane
