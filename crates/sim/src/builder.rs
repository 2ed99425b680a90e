//! A builder that speaks the words of scenarios.

use crate::SpecError;
use crate::spec::WorldSpec;

/// Builds a [`WorldSpec`].
#[derive(Clone, Debug, Default)]
pub struct WorldBuilder {
    spec: WorldSpec,
    error: Option<SpecError>,
}
