//! The names of what the agent uses in its own namespace. The installer makes these objects: rights
//! cannot bind `create` to a name.

/// `ConfigMap` with the agent's cursor.
pub const CURSOR: &str = "gimlet-agent-cursor";

/// Secret with the agent's key, certificate and roots.
pub const IDENTITY: &str = "gimlet-agent-identity";

/// Secret with the enrolment token, emptied once it is spent.
pub const ENROLMENT: &str = "gimlet-agent-enrolment";

/// Lease that says which replica leads.
pub const LEASE: &str = "gimlet-agent";

/// `ConfigMap` by which the cluster's owner says what the agent may do.
pub const POLICY: &str = "gimlet-agent-policy";
