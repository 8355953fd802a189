//! Keys that belong to somebody else: to Atlas's own mark, to the provider, or to what Atlas sets itself and relies on.
//!
//! A value from the spec would overwrite what stands there, or would be refused in the middle of an apply, so the spec is
//! refused before. An attribute names its rules in the kind's table.

use super::shared::{Shared, Shared::Static, Texts};
use crate::mutation::{Mutation, broken};

/// Keys of a table, or items of a list, that the spec leaves alone.
#[derive(Clone, Debug)]
pub struct Reserved {
    /// The keys: `aws:*` is all that begin with `aws:`, in small or capital letters; `app=k3d` is `app` with that value.
    pub keys: Texts,
    /// Whose they are, as a whole sentence without its full stop.
    pub why: Shared<str>,
    /// The way out.
    pub hint: Shared<str>,
}

impl Reserved {
    /// Whether it reserves a key with this value; a value that is not known yet is none.
    #[must_use]
    pub fn covers(&self, key: &str, value: Option<&str>) -> bool {
        if broken(Mutation::AcceptReservedKeys) {
            return false;
        }
        self.keys.iter().any(|reserved| match (reserved.strip_suffix('*'), reserved.split_once('=')) {
            (Some(start), _) => key.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
            (None, Some((name, own))) => key == name && value == Some(own),
            (None, None) => key.eq_ignore_ascii_case(reserved),
        })
    }

    /// The keys as one regular expression, for editors; those with a value are left out.
    #[must_use]
    pub fn pattern(&self) -> String {
        let one = |key: &str| {
            let (text, end) = key.strip_suffix('*').map_or((key, "$"), |start| (start, ""));
            text.replace('.', "\\.") + end
        };
        let all: Vec<String> = self.keys.iter().filter(|key| !key.contains('=')).map(one).collect();
        all.join("|")
    }
}

/// What the mark on an object of AWS takes, and AWS itself: <https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html>.
pub static TAGS: &[Reserved] = &[
    Reserved {
        keys: Texts::Static(&["atlas:*"]),
        why: Static("Atlas writes its ownership mark under such keys"),
        hint: Static("choose another key; `protect` and `on_remove` are attributes of every block"),
    },
    Reserved {
        keys: Texts::Static(&["aws:*"]),
        why: Static("AWS keeps such keys for itself, and takes none from others"),
        hint: Static("choose another key"),
    },
];

/// The inline policy of a role that is Atlas's own.
pub static INLINE_POLICIES: &[Reserved] = &[Reserved {
    keys: Texts::Static(&["atlas"]),
    why: Static("the policy of that name has what `allow`, `deny` and `policy` say"),
    hint: Static("say it there, or choose another name"),
}];

/// The inline policies of a group that are Atlas's own: a group takes no tags, so its mark is one of them.
pub static GROUP_POLICIES: &[Reserved] = &[
    Reserved {
        keys: Texts::Static(&["atlas"]),
        why: Static("the policy of that name has what `allow`, `deny` and `policy` say"),
        hint: Static("say it there, or choose another name"),
    },
    Reserved {
        keys: Texts::Static(&["atlas-mark"]),
        why: Static("the policy of that name is the ownership mark of the group"),
        hint: Static("choose another name"),
    },
];

/// What the mark on an object of a container engine takes, the engine itself, and k3d, by whose labels clusters are found:
/// <https://docs.docker.com/engine/manage-resources/labels/>.
pub static LABELS: &[Reserved] = &[
    Reserved {
        keys: Texts::Static(&["atlas.*"]),
        why: Static("Atlas writes its ownership mark under such keys"),
        hint: Static("choose another key; `protect` and `on_remove` are attributes of every block"),
    },
    Reserved {
        keys: Texts::Static(&["com.docker.*", "io.docker.*", "org.dockerproject.*"]),
        why: Static("Docker keeps such keys for itself"),
        hint: Static("choose another key, such as one that begins with a domain of your own"),
    },
    Reserved {
        keys: Texts::Static(&["k3d.*", "app=k3d"]),
        why: Static("the nodes of clusters are found by it, and this would be taken for one"),
        hint: Static("choose another key; a cluster is a block of its own: [cluster.NAME]"),
    },
];

/// What Kubernetes sets on a namespace by itself, and what has an attribute of its own.
pub static NAMESPACE: &[Reserved] = &[
    Reserved {
        keys: Texts::Static(&["atlas.*", "atlas/*"]),
        why: Static("Atlas writes its ownership mark under such keys"),
        hint: Static("choose another key; `protect` and `on_remove` are attributes of every block"),
    },
    Reserved {
        keys: Texts::Static(&["pod-security.kubernetes.io/*"]),
        why: Static("Atlas sets it from `pod_security`"),
        hint: Static("say it with `pod_security`"),
    },
    Reserved {
        keys: Texts::Static(&["kubernetes.io/metadata.name"]),
        why: Static("Kubernetes sets it to the namespace's name"),
        hint: Static("remove it"),
    },
];

/// Variables that Atlas sets for LocalStack and relies on. LocalStack takes each also behind `LOCALSTACK_`:
/// <https://docs.localstack.cloud/aws/capabilities/config/configuration/>.
pub static LOCALSTACK: &[Reserved] = &[
    Reserved {
        keys: Texts::Static(&["SERVICES", "LOCALSTACK_SERVICES"]),
        why: Static("Atlas sets it from `services`"),
        hint: Static("say it with `services`"),
    },
    Reserved {
        keys: Texts::Static(&["PERSISTENCE", "LOCALSTACK_PERSISTENCE"]),
        why: Static("Atlas sets it from `persist`"),
        hint: Static("say it with `persist`"),
    },
    Reserved {
        keys: Texts::Static(&[
            "GATEWAY_LISTEN",
            "LOCALSTACK_GATEWAY_LISTEN",
            "EDGE_PORT",
            "LOCALSTACK_EDGE_PORT",
            "EDGE_BIND_HOST",
            "LOCALSTACK_EDGE_BIND_HOST",
        ]),
        why: Static("Atlas reaches the container where it told it to listen"),
        hint: Static("`port` is the port on the machine; the one inside is Atlas's choice"),
    },
    Reserved {
        keys: Texts::Static(&["AWS_DEFAULT_REGION", "LOCALSTACK_AWS_DEFAULT_REGION"]),
        why: Static("it is the name of the region"),
        hint: Static("give the block the region's name: [region.NAME]"),
    },
];

/// Arguments that Atlas gives k3s and relies on: <https://docs.k3s.io/cli/server>.
pub static K3S: &[Reserved] = &[
    Reserved {
        keys: Texts::Static(&[
            "--cluster-init*",
            "--server",
            "--server=*",
            "-s",
            "--token*",
            "-t",
            "--node-name*",
            "--with-node-id*",
            "--datastore-endpoint*",
        ]),
        why: Static("Atlas tells the nodes how they find each other"),
        hint: Static("say how many there are with `servers` and `agents`"),
    },
    Reserved {
        keys: Texts::Static(&[
            "--https-listen-port*",
            "--write-kubeconfig",
            "--write-kubeconfig=*",
            "-o",
            "--data-dir*",
            "-d",
            "--config*",
            "-c",
        ]),
        why: Static("Atlas reaches the cluster, its kubeconfig and its data where it told k3s to put them"),
        hint: Static("`api_port` and `kubeconfig` are attributes of `k3d`"),
    },
];

/// Variables that Atlas gives k3s and relies on: <https://docs.k3s.io/reference/env-variables>.
pub static K3S_VARIABLES: &[Reserved] = &[Reserved {
    keys: Texts::Static(&[
        "K3S_TOKEN",
        "K3S_URL",
        "K3S_KUBECONFIG_OUTPUT",
        "K3S_DATA_DIR",
        "K3S_CONFIG_FILE",
        "K3S_TOKEN_FILE",
        "K3S_NODE_NAME",
        "K3S_DATASTORE_ENDPOINT",
        "ATLAS_GATEWAY",
    ]),
    why: Static("Atlas tells the nodes how they find each other, and where they keep what it reads"),
    hint: Static("remove it"),
}];

/// The name that Atlas gives the engine's machine, as k3d does.
pub static K3D_HOSTS: &[Reserved] = &[Reserved {
    keys: Texts::Static(&["host.k3d.internal"]),
    why: Static("it is the engine's machine"),
    hint: Static("choose another name"),
}];

#[cfg(test)]
mod tests {
    use super::{K3S, LABELS, LOCALSTACK, Reserved, TAGS};

    fn reserved(rules: &[Reserved], key: &str, value: Option<&str>) -> bool {
        rules.iter().any(|rule| rule.covers(key, value))
    }

    #[test]
    fn keys_are_reserved_by_their_beginning_as_a_whole_or_with_a_value() {
        for key in ["atlas:protect", "atlas:", "Atlas:Protect", "aws:cloudformation:stack-name", "AWS:x"] {
            assert!(reserved(TAGS, key, None), "{key}");
        }
        for key in ["team", "atlas", "atlasses:x", "my-aws:x", "é", ""] {
            assert!(!reserved(TAGS, key, Some("k3d")), "{key}");
        }
        assert!(reserved(LABELS, "app", Some("k3d")) && !reserved(LABELS, "app", Some("web")));
        assert!(!reserved(LABELS, "app", None) && reserved(LABELS, "k3d.role", Some("server")));
        assert!(reserved(LOCALSTACK, "PERSISTENCE", None) && !reserved(LOCALSTACK, "PERSISTENCE_MORE", None));
        assert!(reserved(K3S, "--token=x", None) && !reserved(K3S, "--server-arg", None));
    }

    #[test]
    fn editors_know_the_same() {
        assert_eq!(TAGS[1].pattern(), "aws:");
        assert_eq!(LABELS[1].pattern(), "com\\.docker\\.|io\\.docker\\.|org\\.dockerproject\\.");
        assert_eq!(LABELS[2].pattern(), "k3d\\.");
        assert_eq!(LOCALSTACK[0].pattern(), "SERVICES$|LOCALSTACK_SERVICES$");
    }
}
