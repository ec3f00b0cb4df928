//! Whose rows a caller sees.

use gimlet_shared::ids::OrganizationId;

use crate::scope::{ClusterScope, SystemScope, TenantScope};

/// The rows that exist for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Those of one organization.
    Of(OrganizationId),
    /// Those of all: the control plane's own work.
    All,
}

/// Says whose rows its holder sees.
pub(crate) trait Sees {
    fn rows(&self) -> Rows;
}

impl Sees for TenantScope {
    fn rows(&self) -> Rows {
        Rows::Of(self.organization())
    }
}

impl Sees for ClusterScope {
    fn rows(&self) -> Rows {
        Rows::Of(self.organization())
    }
}

impl Sees for SystemScope {
    fn rows(&self) -> Rows {
        Rows::All
    }
}

/// Work of the control plane itself that is about one organization's rows alone.
impl Sees for OrganizationId {
    fn rows(&self) -> Rows {
        Rows::Of(*self)
    }
}

/// Somebody who shows a credential and is nobody until it is found: for looking credentials up, no more.
pub(crate) struct Unproven;

impl Sees for Unproven {
    fn rows(&self) -> Rows {
        Rows::All
    }
}
