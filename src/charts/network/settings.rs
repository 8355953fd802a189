//! How long whoever publishes charts is waited for, and how this program calls itself there.

use std::time::Duration;

/// How long it may take to reach a server, and how long one may say nothing.
pub const CONNECT: Duration = Duration::from_secs(10);
pub const SILENCE: Duration = Duration::from_secs(30);
/// How this program calls itself.
pub const NAME: &str = concat!("atlas/", env!("CARGO_PKG_VERSION"));

/// Whether a host is this machine.
pub fn is_local(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn this_machine_is_known_by_all_of_its_names() {
        for (host, local) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("[::1]", true),
            ("10.0.0.1", false),
            ("localhost.example.com", false),
        ] {
            assert_eq!(is_local(host), local, "{host}");
        }
    }
}
