//! Semantic versions.

use super::{Function, function};
use crate::semver::{Constraints, Version};
use crate::value::Ty;

pub(super) const FUNCTIONS: &[Function] = &[
    function("semver", &[Ty::Str], |context, args| {
        Ok(Version::parse(args.text(0), context.dialect)?.to_value())
    }),
    function("semverCompare", &[Ty::Str, Ty::Str], |context, args| {
        let constraints = Constraints::parse(args.text(0), context.dialect)?;
        let version = Version::parse(args.text(1), context.dialect)?;
        Ok(constraints.allow(&version).into())
    }),
];
