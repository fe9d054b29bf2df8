//! The connection to a NATS server.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::{self, context::ContextBuilder};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;

use crate::error::Error;
use crate::say::Trouble;

/// How long JetStream has to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The longest pause between two attempts to do anything.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Where the server is, and how it knows us.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Server {
    /// Addresses of the cluster, separated by commas: nats://HOST:PORT, tls://HOST:PORT; USER:PASSWORD@ or TOKEN@ may go
    /// before the host
    #[arg(long, value_name = "URL", env = "NATS_URL", default_value = "nats://127.0.0.1:4222")]
    pub(crate) server: String,
    /// The credentials of a user: JWT and key, as nsc writes them
    #[arg(long, value_name = "FILE")]
    creds: Option<PathBuf>,
    /// Whom to trust, beside those the system trusts
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The client's certificate
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Refuse a connection that is not encrypted, as the other TLS options do
    #[arg(long)]
    tls_required: bool,
}

/// A connection that is made again whenever it is lost.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// The client.
    pub(crate) client: Client,
    /// JetStream by it.
    pub(crate) jetstream: jetstream::Context,
    /// The address, without a password.
    pub(crate) address: String,
    connected: watch::Receiver<bool>,
}

impl Server {
    /// Connects.
    ///
    /// # Errors
    /// When the address is none, nobody is there, or the server refuses.
    pub(crate) async fn connect(&self) -> Result<Connection, Error> {
        let address = without_secrets(&self.server);
        let wrong = |error: &dyn std::fmt::Display| Error::Address {
            server: address.clone(),
            reason: error.to_string(),
        };
        let servers = self.server.split(',').map(|server| server.trim().parse::<ServerAddr>());
        let servers = servers.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(&error))?;
        let (told, connected) = watch::channel(true);
        let (trouble, at) = (Trouble::default(), address.clone());
        let refusals = Trouble::default();
        let options = self.options()?.event_callback(move |event| {
            match event {
                Event::Connected => {
                    trouble.is_over("connected again");
                    told.send_replace(true);
                }
                Event::Disconnected | Event::Closed => {
                    trouble.is(format!("the connection is lost: {at}: it is tried to make another"));
                    told.send_replace(false);
                }
                // Why there is no other yet.
                Event::ClientError(error) => {
                    trouble.is(format!("no connection: {at}: {error}: it is tried again"))
                }
                // What is refused for want of permission is answered in no other way.
                Event::ServerError(error) => refusals.is(format!("the server says: {error}")),
                _ => {}
            }
            std::future::ready(())
        });
        // The client leaves what stands in an address to whoever connects.
        let user = servers.iter().find(|server| server.username().is_some());
        let options = match user.map(|server| (server.username(), server.password())) {
            Some((Some(user), Some(password))) => {
                options.user_and_password(user.to_owned(), password.to_owned())
            }
            Some((Some(token), None)) => options.token(token.to_owned()),
            _ => options,
        };
        let client = options.connect(servers).await.map_err(|error| {
            let reason = error.to_string();
            match error.kind() {
                ConnectErrorKind::ServerParse => wrong(&error),
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                    Error::Refused { server: address.clone(), reason }
                }
                _ => Error::Away { server: address.clone(), reason },
            }
        })?;
        let jetstream = ContextBuilder::new().timeout(PATIENCE).ack_timeout(PATIENCE).build(client.clone());
        Ok(Connection { client, jetstream, address, connected })
    }

    fn options(&self) -> Result<ConnectOptions, Error> {
        let files = [&self.tls_ca, &self.tls_cert, &self.tls_key];
        // The client would take one that is missing for a server that is.
        for file in files.into_iter().flatten() {
            std::fs::read(file).map_err(|source| Error::File { what: "read", path: file.clone(), source })?;
        }
        let mut options = ConnectOptions::new()
            .name("hook-relay")
            .require_tls(self.tls_required || files.iter().any(|file| file.is_some()))
            .reconnect_delay_callback(|attempt| pause(u32::try_from(attempt).unwrap_or(u32::MAX)));
        if let Some(creds) = &self.creds {
            let unreadable =
                |source| Error::File { what: "read the credentials", path: creds.clone(), source };
            let text = std::fs::read_to_string(creds).map_err(unreadable)?;
            options = options.credentials(&text).map_err(unreadable)?;
        }
        if let Some(ca) = &self.tls_ca {
            options = options.add_root_certificates(ca.clone());
        }
        if let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) {
            options = options.add_client_certificate(cert.clone(), key.clone());
        }
        Ok(options)
    }
}

impl Connection {
    /// Returns when there is a connection.
    pub(crate) async fn connected(&self) {
        let mut connected = self.connected.clone();
        while self.client.connection_state() != State::Connected {
            // It cannot fail: the client that tells lives as long as we do.
            let _ = tokio::time::timeout(PATIENCE, connected.changed()).await;
        }
    }

    /// Word of each connection that is lost or made from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<bool> {
        self.connected.clone()
    }

    /// How large a message may be for the server, headers and all, in bytes.
    pub(crate) fn max_payload(&self) -> usize {
        self.client.server_info().max_payload
    }

    /// What JetStream refused.
    pub(crate) fn refused(&self, what: impl Into<String>, reason: &dyn std::fmt::Display) -> Error {
        Error::JetStream { what: what.into(), server: self.address.clone(), reason: reason.to_string() }
    }
}

/// How long to wait after so many attempts: from 100 ms to 10 s, doubling, give or take a half, so that those whom one
/// failure hits do not come back at once.
pub(crate) fn pause(attempt: u32) -> Duration {
    let doubled = Duration::from_millis(100).saturating_mul(1 << attempt.min(10));
    doubled.min(LONGEST_PAUSE).mul_f64(0.5 + fastrand::f64())
}

/// An address as it may be shown.
fn without_secrets(server: &str) -> String {
    let shown = server.split(',').map(|server| match server.trim().rsplit_once('@') {
        Some((before, host)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://{host}"),
            None => host.to_owned(),
        },
        None => server.trim().to_owned(),
    });
    shown.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let shown = without_secrets("nats://me:p@ss@a:4222, b:4222,tok@c");
        assert_eq!(shown, "nats://a:4222,b:4222,c");
    }

    #[test]
    fn pauses_grow_and_end() {
        assert!(pause(0) <= Duration::from_millis(150));
        assert!(pause(40) >= LONGEST_PAUSE.mul_f64(0.5) && pause(40) <= LONGEST_PAUSE.mul_f64(1.5));
    }
}
