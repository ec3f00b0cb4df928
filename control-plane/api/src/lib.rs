//! gimlet-api
