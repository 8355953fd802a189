//! Which provider serves which kind in which world.

use std::sync::Arc;

use super::Provider;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::kind::Kind;
use crate::spec::{Desired, World};

/// The providers of one run.
#[derive(Clone, Default)]
pub struct Registry {
    sandbox: Option<Arc<dyn Provider>>,
    world: World,
}

impl Registry {
    /// The providers of a world. The sandbox serves every kind, and only there.
    #[must_use]
    pub fn new(world: World, sandbox: Option<Arc<dyn Provider>>) -> Self {
        Self { sandbox, world }
    }

    /// The provider of a kind, if there is one.
    #[must_use]
    pub fn of(&self, _kind: &'static Kind) -> Option<&Arc<dyn Provider>> {
        match self.world {
            World::Sandbox => self.sandbox.as_ref(),
            World::Real => None,
        }
    }

    /// Every provider, once.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.sandbox.iter().filter(|_| self.world == World::Sandbox)
    }

    /// Says of every block whose kind has no provider in this world that it can't be made.
    #[must_use]
    pub fn missing(&self, desired: &Desired) -> Diagnostics {
        let mut diagnostics = Diagnostics::default();
        let word = if self.world == World::Sandbox { "sandbox" } else { "real" };
        for instance in desired.objects().filter(|instance| self.of(instance.kind).is_none()) {
            let hint = match self.world {
                World::Real => "use an environment with `world = \"sandbox\"`, where every kind works",
                World::Sandbox => "build Atlas with its default features: this build leaves the sandbox out",
            };
            diagnostics.push(
                Diagnostic::error(
                    "no provider",
                    format!("no provider for `{}` in world `{word}` yet", instance.kind.name),
                )
                .at(instance.declaration.header)
                .hint(hint)
                .of(&instance.address),
            );
        }
        diagnostics.finish();
        diagnostics
    }
}
