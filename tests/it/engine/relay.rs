//! A way to an engine on which a test decides about each request.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::Engine;

/// What becomes of a request.
pub enum Decision {
    /// The engine gets it.
    HandOn,
    /// The client gets this answer at once, and the engine nothing.
    Answer(Arc<str>),
    /// The connection breaks.
    Break,
}

/// An engine that is reached by way of this, where `decide` sees the beginning of each request. The engine's client sends no request
/// before the last one is answered.
pub fn relay(host: &str, decide: impl Fn(&[u8]) -> Decision + Send + Sync + 'static) -> Engine {
    let socket = host.strip_prefix("unix://").expect("a socket").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let decide = Arc::new(decide);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (socket, decide) = (socket.clone(), Arc::clone(&decide));
            std::thread::spawn(move || hand_on(client, &socket, &*decide));
        }
    });
    Engine::at(&format!("tcp://{address}"))
}

fn hand_on(mut client: TcpStream, socket: &str, decide: &dyn Fn(&[u8]) -> Decision) -> Option<()> {
    let mut engine = UnixStream::connect(socket).ok()?;
    let (mut answers, mut back) = (engine.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 65536];
    loop {
        let length = client.read(&mut buffer).ok().filter(|length| *length > 0)?;
        match decide(&buffer[..length]) {
            Decision::HandOn => engine.write_all(&buffer[..length]).ok()?,
            Decision::Answer(answer) => client.write_all(answer.as_bytes()).ok()?,
            Decision::Break => {
                let _ = engine.shutdown(Shutdown::Both);
                let _ = client.shutdown(Shutdown::Both);
                return None;
            }
        }
    }
}
