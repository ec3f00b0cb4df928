//! gimlet-web
