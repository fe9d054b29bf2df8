//! The state on disk: a file for each delegation and each wake, replaced whole.

use std::path::PathBuf;

use codex_driver::{Addressee, Codex};
use state_dir::{Lock, StateDir};

use crate::delegation::Delegation;
use crate::error::{Error, Result};
use crate::wake::Wake;

const DELEGATIONS: &str = "delegations";
const WAKES: &str = "wakes";
const OPERATOR: &str = "operator.json";

/// The directory with the state. What was saved outlives any crash, and each file is as it was saved once.
#[derive(Debug)]
pub(crate) struct State(StateDir);

impl State {
    pub(crate) fn open(dir: Option<PathBuf>) -> Result<Self> {
        Ok(Self(StateDir::open(dir, "codex-workspace")?))
    }

    /// Waits until it can be held. Whoever holds it is the only one that changes the state, or speaks to Codex.
    pub(crate) fn lock(&self) -> Result<Lock> {
        Ok(self.0.lock("lock")?)
    }

    /// Codex, with a place of its own below the state.
    pub(crate) fn codex(&self) -> Codex {
        Codex::new(self.0.join("codex")).env("CODEX_HOOK_TAG", "workspace")
    }

    /// All delegations, the oldest first.
    pub(crate) fn delegations(&self) -> Result<Vec<Delegation>> {
        let mut all: Vec<Delegation> = self.0.read_all(DELEGATIONS)?;
        all.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
        Ok(all)
    }

    /// The delegation that is meant by an id, or by the first characters of it.
    pub(crate) fn delegation(&self, id: &str) -> Result<Delegation> {
        let mut found = self.delegations()?;
        found.retain(|delegation| !id.is_empty() && delegation.id.starts_with(id));
        match <[Delegation; 1]>::try_from(found) {
            Ok([delegation]) => Ok(delegation),
            Err(found) => {
                let how_many = if found.is_empty() { "no" } else { "more than one" };
                Err(Error::Refused(format!("{how_many} delegation is meant by {id}: see `workspace list`")))
            }
        }
    }

    pub(crate) fn save(&self, delegation: &Delegation) -> Result<()> {
        Ok(self.0.write(format!("{DELEGATIONS}/{}.json", delegation.id), delegation)?)
    }

    /// All wakes, in no order.
    pub(crate) fn wakes(&self) -> Result<Vec<Wake>> {
        Ok(self.0.read_all(WAKES)?)
    }

    pub(crate) fn save_wake(&self, wake: &Wake) -> Result<()> {
        Ok(self.0.write(format!("{WAKES}/{}.json", wake.id), wake)?)
    }

    /// The operator's thread. `None`: no operator has run yet.
    pub(crate) fn operator(&self) -> Result<Option<Addressee>> {
        Ok(self.0.read(OPERATOR)?)
    }

    pub(crate) fn save_operator(&self, operator: &Addressee) -> Result<()> {
        Ok(self.0.write(OPERATOR, operator)?)
    }
}

/// A new id: 48 random bits.
pub(crate) fn new_id() -> String {
    format!("{:012x}", fastrand::u64(..1 << 48))
}
