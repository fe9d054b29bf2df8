//! Connections that end where what is sent is not taken: each stream has one of the places there are.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;

/// How long a client may leave unread what it is sent.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Patient(pub(crate) TcpListener);

impl Listener for Patient {
    type Io = Pin<Box<TimeoutStream<TcpStream>>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(PATIENCE));
        (Box::pin(stream), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    // A minute passes at once, as soon as nothing else is to be done.
    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_left() {
        let mut listener = Patient(TcpListener::bind("127.0.0.1:0").await.expect("a port"));
        let address = listener.local_addr().expect("an address");
        let _client = TcpStream::connect(address).await.expect("it listens");
        let (mut stream, _) = listener.accept().await;
        let sent = stream.write_all(&vec![0; 64 << 20]).await;
        assert_eq!(sent.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
    }
}
