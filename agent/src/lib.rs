//! gimlet-agent
