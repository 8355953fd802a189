//! The rules that texts of container engines keep, each with its source.

use super::fault::Fault;
use super::port_range::{self, PortRange};
use super::rule::{IP, PORT, allow, length};
use super::schema::Rule;
use super::shared::Shared::Static;
use crate::suggest::suggest;

/// The name of a container, a volume or a network.
/// Source: <https://docs.docker.com/reference/api/engine/>, `ContainerCreate`.
pub static DOCKER_NAME: Rule = Rule {
    says: Static("name of letters, digits, `_`, `.` and `-`"),
    pattern: Some(Static("^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        allow(text, |c| c.is_ascii_alphanumeric() || "_.-".contains(c), "letters, digits, `_`, `.` and `-`")?;
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(Fault::new("it begins with a letter or a digit").at(0..text.len().min(1)));
        }
        length(text, 1, 63)
    }),
};

/// An absolute path in a container.
pub static FOLDER: Rule = Rule {
    says: Static("absolute path"),
    pattern: Some(Static("^/.*$")),
    normal: Some(Static(&clean)),
    several: None,
    check: Static(&|text| if text.starts_with('/') { Ok(()) } else { Err(Fault::new("this path begins with `/`")) }),
};

/// A folder of a machine in a container, `FROM:TO` or `FROM:TO:OPTIONS`.
/// Source: <https://docs.docker.com/engine/storage/bind-mounts/#options-for---volume>.
pub static BIND: Rule = Rule {
    says: Static("\"FROM:TO\" or \"FROM:TO:ro\""),
    pattern: Some(Static("^/[^:]*:/[^:]*(:[a-zA-Z,]+)?$")),
    normal: Some(Static(&normal_bind)),
    several: None,
    check: Static(&|text| check_bind(text, &["/"])),
};

/// The same, or a folder beside the spec: FROM begins with `./` or `../` then.
pub static PROJECT_BIND: Rule = Rule {
    says: Static("\"FROM:TO\" or \"FROM:TO:ro\""),
    pattern: Some(Static("^(/|\\.{1,2}/)[^:]*:/[^:]*(:[a-zA-Z,]+)?$")),
    normal: Some(Static(&normal_bind)),
    several: None,
    check: Static(&|text| check_bind(text, &["/", "./", "../"])),
};

/// What a bind can say besides: whether it can be written, how SELinux labels it, and whether mounts in it are shared.
const BIND_OPTIONS: [&str; 15] = [
    "ro",
    "rw",
    "z",
    "Z",
    "shared",
    "slave",
    "private",
    "rshared",
    "rslave",
    "rprivate",
    "bind",
    "rbind",
    "nocopy",
    "cached",
    "delegated",
];

/// Those that say what is so anyway.
const USUAL_BIND_OPTIONS: [&str; 6] = ["rw", "rprivate", "rbind", "nocopy", "cached", "delegated"];

/// A published port, `[ADDRESS:]PORT:PORT[/udp]`, or a range of them on both sides. An IPv6 address stands in brackets.
pub static PUBLISH: Rule = Rule {
    says: Static("published port, \"[ADDRESS:]HOST:CONTAINER[/udp]\""),
    pattern: Some(Static(
        "^(([0-9.]+|\\[[0-9a-fA-F:]+\\]):)?[0-9]{1,5}(-[0-9]{1,5})?:[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp|sctp))?$",
    )),
    normal: Some(Static(&|text| short_port(text).to_owned())),
    several: Some(Static(&port_range::ports)),
    check: Static(&|text| {
        let (ports, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
        if !["tcp", "udp", "sctp"].contains(&protocol) {
            return Err(Fault::new(format!("`{protocol}` is no protocol of a port")).hint("it is tcp, udp or sctp"));
        }
        if let Some(range) = PortRange::read(ports) {
            range.check()?;
            return range.ports().try_for_each(|port| check_published(&port));
        }
        check_published(ports)
    }),
};

/// A Linux capability, as engines take it: with or without `CAP_`, or all of them.
/// Source: <https://man7.org/linux/man-pages/man7/capabilities.7.html>.
pub static CAPABILITY: Rule = Rule {
    says: Static("Linux capability"),
    pattern: Some(Static("^[A-Z_]+$")),
    normal: Some(Static(&|text| text.strip_prefix("CAP_").unwrap_or(text).to_owned())),
    several: None,
    check: Static(&|text| {
        let name = text.strip_prefix("CAP_").unwrap_or(text);
        if text == "ALL" || CAPABILITIES.contains(&name) {
            return Ok(());
        }
        let fault = Fault::new(format!("Linux has no capability `{text}`"));
        Err(match suggest(name, &CAPABILITIES) {
            Some(hint) => fault.hint(hint),
            None => fault.hint("write it as \"NET_ADMIN\", or \"ALL\""),
        })
    }),
};

/// A signal of Linux, by name, with or without `SIG`, or by number.
/// Source: <https://man7.org/linux/man-pages/man7/signal.7.html>.
pub static SIGNAL: Rule = Rule {
    says: Static("signal, such as \"SIGINT\""),
    pattern: Some(Static("^(SIG)?[A-Z0-9+-]+$")),
    normal: Some(Static(&signal)),
    several: None,
    check: Static(&|text| {
        allow(
            text,
            |c| c.is_ascii_uppercase() || c.is_ascii_digit() || "+-".contains(c),
            "capital letters and digits",
        )?;
        length(text, 1, 12)
    }),
};

/// A device of a machine in a container, `FROM[:TO[:rwm]]`.
/// Source: <https://docs.docker.com/reference/cli/docker/container/run/#device>.
pub static DEVICE: Rule = Rule {
    says: Static("device, \"FROM\" or \"FROM:TO:rwm\""),
    pattern: Some(Static("^/[^:]+(:/[^:]+(:[rwm]{1,3})?)?$")),
    normal: Some(Static(&normal_device)),
    several: None,
    check: Static(&|text| {
        let parts: Vec<&str> = text.split(':').collect();
        let fits = match parts.as_slice() {
            [from] => from.starts_with('/'),
            [from, to] => from.starts_with('/') && to.starts_with('/'),
            [from, to, may] => {
                let may = !may.is_empty() && may.chars().all(|c| "rwm".contains(c));
                from.starts_with('/') && to.starts_with('/') && may
            }
            _ => false,
        };
        let fault = || {
            Fault::new(format!("`{text}` is no device"))
                .hint("write it as \"/dev/fuse\" or \"/dev/fuse:/dev/fuse:rwm\"")
        };
        if fits { Ok(()) } else { Err(fault()) }
    }),
};

/// The name that a machine has of itself.
/// Source: <https://man7.org/linux/man-pages/man7/hostname.7.html>.
pub static HOSTNAME: Rule = Rule {
    says: Static("host name of letters, digits, `.` and `-`"),
    pattern: Some(Static("^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        allow(text, |c| c.is_ascii_alphanumeric() || ".-".contains(c), "letters, digits, `.` and `-`")?;
        if text.starts_with(['.', '-']) || text.ends_with(['.', '-']) {
            return Err(Fault::new("a host name begins and ends with a letter or a digit"));
        }
        length(text, 1, 63)
    }),
};

const CAPABILITIES: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// A published port without what goes without saying: the address of the machine itself, and TCP.
#[must_use]
pub fn short_port(port: &str) -> &str {
    let local = port.strip_prefix("127.0.0.1:").unwrap_or(port);
    local.strip_suffix("/tcp").unwrap_or(local)
}

/// The signals that have one number on every machine.
const SIGNALS: [(&str, &str); 9] = [
    ("1", "SIGHUP"),
    ("2", "SIGINT"),
    ("3", "SIGQUIT"),
    ("6", "SIGABRT"),
    ("9", "SIGKILL"),
    ("10", "SIGUSR1"),
    ("12", "SIGUSR2"),
    ("14", "SIGALRM"),
    ("15", "SIGTERM"),
];

/// A signal by its name, with `SIG`.
fn signal(text: &str) -> String {
    match SIGNALS.iter().find(|(number, _)| *number == text) {
        Some((_, name)) => (*name).to_owned(),
        None if text.starts_with("SIG") || text.starts_with(|c: char| c.is_ascii_digit()) => text.to_owned(),
        None => format!("SIG{text}"),
    }
}

/// A path as engines write it: without a slash at its end, doubled ones, `.` and `..`.
fn clean(path: &str) -> String {
    let relative = !path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if !relative => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match relative {
        false => format!("/{joined}"),
        true if joined.starts_with("..") => joined,
        true => format!("./{joined}"),
    }
}

/// Whether `[ADDRESS:]PORT:PORT` is a published port.
fn check_published(ports: &str) -> Result<(), Fault> {
    let mut parts = ports.rsplitn(3, ':');
    let (inside, outside, address) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let address = address.map(|address| match address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) if inner.contains(':') => Ok(inner),
        _ if address.contains(':') => {
            Err(Fault::new("an IPv6 address stands in brackets").hint("write it as \"[::1]:8080:80\""))
        }
        _ => Ok(address),
    });
    let pair = outside.map_or_else(|| inside.to_owned(), |outside| format!("{outside}:{inside}"));
    if let Some(address) = address {
        (IP.check)(address?)?;
    }
    (PORT.check)(&pair).map_err(|fault| Fault { at: None, ..fault })
}

fn check_bind(text: &str, starts: &[&str]) -> Result<(), Fault> {
    let parts: Vec<&str> = text.split(':').collect();
    let options = match parts.as_slice() {
        [from, to, options @ ..]
            if starts.iter().any(|start| from.starts_with(start)) && to.starts_with('/') && options.len() < 2 =>
        {
            options.first().copied()
        }
        _ => return Err(Fault::new(format!("`{text}` is no bind")).hint("write it as \"/srv/data:/data:ro\"")),
    };
    match options.and_then(|options| options.split(',').find(|option| !BIND_OPTIONS.contains(option))) {
        Some(option) => {
            let known = BIND_OPTIONS.join(", ");
            Err(Fault::new(format!("a bind has no option `{option}`")).hint(format!("it has {known}")))
        }
        None => Ok(()),
    }
}

/// The normal form of a bind.
#[must_use]
pub fn normal_bind(text: &str) -> String {
    let mut parts = text.splitn(3, ':');
    let (Some(from), Some(to)) = (parts.next(), parts.next()) else { return text.to_owned() };
    let options = parts.next().into_iter().flat_map(|options| options.split(','));
    let mut options: Vec<&str> = options.filter(|option| !USUAL_BIND_OPTIONS.contains(option)).collect();
    options.sort_unstable();
    let pair = format!("{}:{}", clean(from), clean(to));
    if options.is_empty() { pair } else { format!("{pair}:{}", options.join(",")) }
}

/// A device is the same inside, and may be read, written and made, where nothing else is said.
fn normal_device(text: &str) -> String {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [from, to, "rwm"] | [from, to] if from == to => (*from).to_owned(),
        [from, to, "rwm"] => format!("{from}:{to}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{BIND, CAPABILITY, DEVICE, FOLDER, PROJECT_BIND, PUBLISH, SIGNAL};
    use crate::kind::Rule;

    fn normal(rule: &Rule, text: &str) -> String {
        (rule.check)(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        rule.normal.as_ref().map_or_else(|| text.to_owned(), |normal| normal(text))
    }

    #[test]
    fn what_engines_take_for_the_same_is_the_same() {
        let cases = [
            (&FOLDER, "/tmp/", "/tmp"),
            (&FOLDER, "//a/./b/../c//", "/a/c"),
            (&FOLDER, "/..", "/"),
            (&BIND, "/srv/:/data/:rw", "/srv:/data"),
            (&BIND, "/srv:/data:z,ro", "/srv:/data:ro,z"),
            (&BIND, "/srv:/data:ro,rprivate,rbind", "/srv:/data:ro"),
            (&PROJECT_BIND, "./a/../data:/data:rprivate", "./data:/data"),
            (&PROJECT_BIND, "../up/:/data", "../up:/data"),
            (&CAPABILITY, "CAP_NET_ADMIN", "NET_ADMIN"),
            (&CAPABILITY, "ALL", "ALL"),
            (&PUBLISH, "127.0.0.1:8080:80/tcp", "8080:80"),
            (&PUBLISH, "[::1]:8080:80/sctp", "[::1]:8080:80/sctp"),
            (&SIGNAL, "INT", "SIGINT"),
            (&SIGNAL, "SIGRTMIN+3", "SIGRTMIN+3"),
            (&SIGNAL, "9", "SIGKILL"),
            (&SIGNAL, "34", "34"),
            (&DEVICE, "/dev/fuse:/dev/fuse:rwm", "/dev/fuse"),
            (&DEVICE, "/dev/a:/dev/b:r", "/dev/a:/dev/b:r"),
        ];
        for (rule, text, expected) in cases {
            assert_eq!(normal(rule, text), expected, "{text}");
            assert_eq!(normal(rule, expected), expected, "the normal form is its own");
        }
    }

    #[test]
    fn what_no_engine_takes_is_refused() {
        let cases = [
            (&BIND, "./data:/data"),
            (&PROJECT_BIND, "data:/data"),
            (&BIND, "/srv:data"),
            (&BIND, "/srv:/data:rx"),
            (&BIND, "/srv:/data:ro:z"),
            (&PUBLISH, "8080-8082:80"),
            (&PUBLISH, "1-1001:1-1001"),
            (&PUBLISH, "::1:8080:80"),
            (&PUBLISH, "8080:80/icmp"),
            (&PUBLISH, "[127.0.0.1]:8080:80"),
            (&SIGNAL, "int"),
            (&DEVICE, "/dev/fuse:/dev/fuse:x"),
            (&CAPABILITY, "NET_ADMIM"),
        ];
        for (rule, text) in cases {
            assert!((rule.check)(text).is_err(), "{text}");
        }
    }
}
