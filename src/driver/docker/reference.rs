//! Names of images, with all that is understood: `redis` is `docker.io/library/redis:latest`.
//!
//! <https://github.com/distribution/reference>

/// The registry that is meant when a name tells none.
const USUAL: &str = "docker.io";

/// An image's name in its parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImageReference<'a> {
    /// The registry, by its host and port.
    pub registry: &'a str,
    path: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> ImageReference<'a> {
    pub fn parse(image: &'a str) -> Self {
        let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
        let (registry, rest) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
            _ => (USUAL, name),
        };
        let (path, tag) = rest.rsplit_once(':').map_or((rest, None), |(path, tag)| (path, Some(tag)));
        let path = if registry == USUAL { path.strip_prefix("library/").unwrap_or(path) } else { path };
        Self { registry, path, tag, digest }
    }

    /// Whether it says which of a repository's images it means.
    pub const fn is_exact(&self) -> bool {
        self.tag.is_some() || self.digest.is_some()
    }

    /// The digest, when it says one.
    pub const fn digest(&self) -> Option<&'a str> {
        self.digest
    }

    /// Whether both are of the same repository.
    pub fn is_beside(&self, other: &Self) -> bool {
        (self.registry, self.path) == (other.registry, other.path)
    }

    /// Whether both lead to the same image.
    pub fn means(&self, other: &Self) -> bool {
        let which = |one: &Self| (one.tag.or(if one.digest.is_none() { Some("latest") } else { None }), one.digest);
        self.is_beside(other) && which(self) == which(other)
    }
}

#[cfg(test)]
mod tests {
    use super::ImageReference;

    #[test]
    fn an_image_names_its_registry_or_means_docker_s_own() {
        for (image, expected) in [
            ("redis:8", "docker.io"),
            ("team/redis", "docker.io"),
            ("ghcr.io/team/redis@sha256:00", "ghcr.io"),
            ("localhost:5000/redis", "localhost:5000"),
            ("localhost/redis", "localhost"),
        ] {
            assert_eq!(ImageReference::parse(image).registry, expected, "{image}");
        }
    }

    #[test]
    fn images_are_the_same_by_what_is_understood() {
        let means = |there: &str, wanted: &str| ImageReference::parse(there).means(&ImageReference::parse(wanted));
        for (there, wanted) in [
            ("docker.io/library/redis:8", "redis:8"),
            ("docker.io/library/redis:latest", "redis"),
            ("docker.io/atlas-test/empty:1", "atlas-test/empty:1"),
            ("localhost:5000/a", "localhost:5000/a:latest"),
            ("docker.io/library/redis@sha256:1", "redis@sha256:1"),
        ] {
            assert!(means(there, wanted), "{there} {wanted}");
        }
        for (there, wanted) in [
            ("docker.io/library/redis:8", "redis:7"),
            ("quay.io/redis:8", "redis:8"),
            ("redis@sha256:1", "redis@sha256:2"),
            ("redis:8@sha256:1", "redis@sha256:1"),
        ] {
            assert!(!means(there, wanted), "{there} {wanted}");
        }
        assert!(ImageReference::parse("redis@sha256:1").is_beside(&ImageReference::parse("docker.io/library/redis:8")));
        assert!(!ImageReference::parse("localhost:5000/redis").is_exact());
    }
}
