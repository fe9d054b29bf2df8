//! What stands behind the `?` of an address.

use std::str::FromStr;

use axum::http::Uri;
use codex_spool::{Cursor, ThreadId};

use crate::wants::Wants;

pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &Uri) -> Self {
        Self(form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect())
    }

    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The value of a key that may be missing, once it is not empty.
    pub(crate) fn get<T: FromStr>(&self, key: &str) -> Result<Option<T>, String>
    where
        T::Err: std::fmt::Display,
    {
        let value = self.all(key).find(|value| !value.is_empty());
        value.map(|value| value.parse().map_err(|error| format!("{key}={value}: {error}"))).transpose()
    }

    pub(crate) fn after(&self) -> Result<Option<Cursor>, String> {
        self.get("after")
    }

    /// Events of `thread`s, or of all, whose names begin with a `name`, or with anything.
    pub(crate) fn wants(&self) -> Result<Wants, String> {
        let mut wants = Wants::default();
        wants.states = self.get("states")?.unwrap_or(false);
        let names: Vec<String> = self.all("name").map(str::to_owned).collect();
        let threads: Vec<&str> = self.all("thread").collect();
        if threads.is_empty() {
            wants.add(None, names)?;
        } else {
            for thread in threads {
                let thread = ThreadId::new(thread).map_err(|error| error.to_string())?;
                wants.add(Some(thread), names.clone())?;
            }
        }
        Ok(wants)
    }
}
