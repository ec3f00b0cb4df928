//! gimlet-git
