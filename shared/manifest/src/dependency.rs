//! What an application needs besides its own objects: modules of Terraform.

use serde::Serialize;

use crate::text::Text;
use crate::values::Values;

/// One item of `dependencies`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dependency {
    /// Its name; its objects are called `<app>-<name>`.
    pub name: Text,
    /// What it is.
    pub kind: DependencyKind,
    /// How it is made.
    pub spec: Terraform,
}

/// The kinds of dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DependencyKind {
    /// A module of Terraform, applied by the cluster's controller for it.
    Terraform,
}

/// A module of Terraform and what it is given.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Terraform {
    /// The module.
    pub module: Module,
    /// Its variables.
    #[serde(skip_serializing_if = "Values::is_empty")]
    pub values: Values,
    /// A Secret with more of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Text>,
}

/// Where a module lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Module {
    /// `https://host/path.git?tag=…&path=…`
    pub url: Text,
    /// A Secret with the credentials for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Text>,
}
