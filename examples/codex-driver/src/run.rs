//! How a turn would run.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use serde_json::Value;

use crate::error::Result;
use crate::requests::text;

/// How a turn would run, as Codex says it when it has loaded the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// The folder that it would work in.
    pub cwd: PathBuf,
    /// What it could do without asking anybody.
    pub confinement: Confinement,
}

/// What the commands of a turn can do without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confinement {
    /// They write nothing.
    ReadOnly,
    /// They write to the folder that the turn works in, and to those for temporary files.
    Workspace {
        /// Where they write too.
        writable_roots: Vec<PathBuf>,
    },
    /// Something else, which may be anything: by the name that Codex has for it, such as `dangerFullAccess`, or that of a
    /// permission profile of the user's own; `unknown` for a thread that has had no turn yet.
    Other(String),
}

impl Run {
    pub(crate) fn of(resumed: &Value) -> Result<Self> {
        let sandbox = &resumed["sandbox"];
        let kind = sandbox["type"].as_str().unwrap_or("unknown");
        let profile = resumed["activePermissionProfile"]["id"].as_str();
        let roots = [&sandbox["writableRoots"], &resumed["runtimeWorkspaceRoots"]];
        let mut roots = roots.into_iter().filter_map(Value::as_array).flatten();
        let writable_roots = roots.try_fold(Vec::new(), |mut roots, root| {
            roots.push(PathBuf::from(root.as_str()?));
            Some(roots)
        });
        let confinement = match (profile, kind, writable_roots) {
            // Of a profile of the user's own the sandbox does not tell all.
            (Some(own), ..) if ![":read-only", ":workspace"].contains(&own) => {
                Confinement::Other(own.to_owned())
            }
            (_, "readOnly", _) => Confinement::ReadOnly,
            (_, "workspaceWrite", Some(writable_roots)) => Confinement::Workspace { writable_roots },
            _ => Confinement::Other(kind.to_owned()),
        };
        Ok(Self { cwd: text(&resumed["cwd"], "thread/resume", "cwd")?.into(), confinement })
    }
}

/// By Codex's name for it.
impl Display for Confinement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "readOnly",
            Self::Workspace { .. } => "workspaceWrite",
            Self::Other(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn confinement(resumed: Value) -> Confinement {
        let mut resumed = resumed;
        resumed["cwd"] = json!("/work");
        Run::of(&resumed).expect("it is known").confinement
    }

    #[test]
    fn every_folder_that_is_written_to_is_told() {
        let workspace = json!({"sandbox": {"type": "workspaceWrite", "writableRoots": ["/a"]},
                               "runtimeWorkspaceRoots": ["/b"], "activePermissionProfile": {"id": ":workspace"}});
        let writable_roots = vec!["/a".into(), "/b".into()];
        assert_eq!(confinement(workspace), Confinement::Workspace { writable_roots });
    }

    #[test]
    fn what_is_not_known_to_confine_is_something_else() {
        let own = json!({"sandbox": {"type": "readOnly"}, "activePermissionProfile": {"id": "mine"}});
        assert_eq!(confinement(own), Confinement::Other("mine".to_owned()));
        let odd = json!({"sandbox": {"type": "workspaceWrite", "writableRoots": [{"glob": "/**"}]}});
        assert_eq!(confinement(odd), Confinement::Other("workspaceWrite".to_owned()));
        assert_eq!(confinement(json!({})), Confinement::Other("unknown".to_owned()));
        assert!(Run::of(&Value::Null).is_err());
    }
}
