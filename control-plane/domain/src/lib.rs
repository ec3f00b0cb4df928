//! gimlet-domain
