//! gimlet-app
