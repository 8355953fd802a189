//! Stands in for k3d's load balancer, where no image of it can be had: it leads from each TCP port that its file names to the first
//! node behind it that answers, and reads the file again and again. As the real one, it does not start when it can't find one of
//! the nodes by name. The tests compile it by itself, as its container has nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, RwLock};
use std::time::Duration;

type Routes = Arc<RwLock<BTreeMap<u16, Vec<String>>>>;

/// The routes of the file, which is JSON: `"PORT.tcp":["NODE","NODE"]`.
fn read() -> Option<BTreeMap<u16, Vec<String>>> {
    let text = std::fs::read_to_string("/etc/confd/values.yaml").ok()?;
    text.ends_with('}').then_some(())?;
    let mut routes = BTreeMap::new();
    for part in text.split("\"").collect::<Vec<_>>().windows(2) {
        if let Some(port) = part[0].strip_suffix(".tcp").and_then(|port| port.parse().ok()) {
            let list = text.split(&format!("\"{port}.tcp\":[")).nth(1)?.split(']').next()?;
            let nodes = list.split(',').map(|node| node.trim_matches('"').to_owned());
            routes.insert(port, nodes.collect());
        }
    }
    Some(routes)
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn lead(connection: TcpStream, port: u16, routes: &Routes) {
    let nodes = routes.read().expect("no writer panics").get(&port).cloned().unwrap_or_default();
    for node in nodes {
        let Some(address) = (node.as_str(), port).to_socket_addrs().ok().and_then(|mut all| all.next()) else { continue };
        let Ok(behind) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else { continue };
        let (there, back) = (behind.try_clone().expect("cloned"), connection.try_clone().expect("cloned"));
        std::thread::spawn(move || copy(back, there));
        return copy(behind, connection);
    }
}

fn main() {
    let routes: Routes = Routes::default();
    let mut listening = BTreeSet::new();
    for node in read().expect("a file").values().flatten() {
        if (node.as_str(), 1).to_socket_addrs().is_err() {
            eprintln!("host not found in upstream {node}");
            std::process::exit(1);
        }
    }
    loop {
        if let Some(now) = read() {
            for port in now.keys().copied().filter(|port| listening.insert(*port)) {
                let listener = TcpListener::bind(("0.0.0.0", port)).expect("a free port");
                let routes = Arc::clone(&routes);
                std::thread::spawn(move || {
                    for connection in listener.incoming().flatten() {
                        let routes = Arc::clone(&routes);
                        std::thread::spawn(move || lead(connection, port, &routes));
                    }
                });
            }
            *routes.write().expect("no reader panics") = now;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
