//! gimlet-github
