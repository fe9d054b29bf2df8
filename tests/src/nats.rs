//! A real NATS server with JetStream.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// How long a server has to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// A `nats-server` of the test's own on loopback; killed when dropped.
#[derive(Debug)]
pub struct NatsServer {
    dir: TempDir,
    config: String,
    port: u16,
    process: Option<Child>,
}

impl NatsServer {
    /// Starts one with JetStream in files.
    pub fn start() -> Self {
        Self::with("")
    }

    /// Starts one that cannot store.
    pub fn without_jetstream() -> Self {
        Self::with_all_of("", tempfile::tempdir().expect("a temporary folder can be made"))
    }

    /// Starts one with more in its configuration file.
    pub fn with(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let config = format!("{config}\njetstream {{ store_dir: {:?} }}\n", dir.path().join("store"));
        Self::with_all_of(&config, dir)
    }

    fn with_all_of(config: &str, dir: TempDir) -> Self {
        let config = config.to_owned();
        let mut server = Self { dir, config, port: 0, process: None };
        server.restart();
        server
    }

    /// Starts a cluster of so many; a stream can be made in it once its members have found each other.
    pub fn cluster(size: usize) -> Vec<Self> {
        let free = || TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let taken: Vec<TcpListener> = (0..size).map(|_| free()).collect();
        let ports: Vec<u16> =
            taken.iter().map(|port| port.local_addr().expect("it has an address").port()).collect();
        drop(taken);
        let routes: Vec<String> = ports.iter().map(|port| format!("nats-route://127.0.0.1:{port}")).collect();
        let routes = routes.join(", ");
        let server = |(number, port): (usize, &u16)| {
            Self::with(&format!(
                "server_name: n{number}\ncluster {{ name: c, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}"
            ))
        };
        ports.iter().enumerate().map(server).collect()
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// Whether it has not been killed.
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Kills it (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().and_then(|()| process.wait()).expect("the server can be killed");
        }
    }

    /// Starts it again where it was, with what it had stored.
    pub fn restart(&mut self) {
        self.kill();
        let listen = |port: u16| if port == 0 { "-1".to_owned() } else { port.to_string() };
        let path = self.dir.path().join("nats.conf");
        let text = format!("listen: \"127.0.0.1:{}\"\n{}", listen(self.port), self.config);
        fs::write(&path, text).expect("the configuration can be written");
        let mut process = Command::new(program())
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nats-server can be started: install it (Debian: apt install nats-server), or name it in NATS_SERVER");
        let log = BufReader::new(process.stderr.take().expect("it is piped"));
        self.process = Some(process);
        let (say, heard) = mpsc::channel();
        // It reads as long as the server lives, which would block otherwise.
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(|line| drop(say.send(line))));
        let mut lines = Vec::new();
        loop {
            let line = heard
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|error| panic!("nats-server is not ready: {error}\n{}", lines.join("\n")));
            let port = |what| {
                line.split_once(what).and_then(|(_, address)| address.rsplit(':').next()?.parse().ok())
            };
            self.port = port("Listening for client connections on ").unwrap_or(self.port);
            let is_ready = line.contains("Server is ready") && self.port != 0;
            lines.push(line);
            if is_ready {
                return;
            }
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `$NATS_SERVER`, or the one on the `PATH`, or where Debian puts it.
fn program() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/nats-server");
    match std::env::var_os("NATS_SERVER") {
        Some(program) => program.into(),
        None if debian.exists() => debian,
        None => "nats-server".into(),
    }
}
