//! Asking over HTTP: bounded in time and size, and with credentials for none but whom they are for.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};

/// How long it may take to reach a server, and how long one may say nothing.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(30);
/// How this program calls itself.
const NAME: &str = concat!("atlas/", env!("CARGO_PKG_VERSION"));
/// How often somebody is asked who answers that it is too busy, or can't be reached.
const TRIES: u32 = 3;
/// How often an answer may lead to another place.
const REDIRECTS: usize = 5;

/// A client for whoever publishes charts.
pub struct Http {
    /// Through the proxy that the environment names, where it names one.
    usual: Client,
    /// For what is on this machine, which no proxy reaches.
    local: Client,
}

/// What is shown to a server.
#[derive(Clone)]
pub enum HttpCredentials {
    Nothing,
    Basic(String, String),
    Bearer(String),
}

/// What a server gives.
pub struct HttpAnswer {
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

/// Why there is no answer.
pub struct Unanswered {
    pub why: String,
    /// What the server says instead.
    pub status: Option<StatusCode>,
    pub headers: HeaderMap,
    /// Whether it may be otherwise the next time.
    passes: bool,
}

impl Http {
    pub fn new() -> Result<Self, String> {
        let client =
            || Client::builder().user_agent(NAME).connect_timeout(CONNECT).read_timeout(SILENCE).redirect(policy());
        let usual = client().build().map_err(|error| told(&error))?;
        let local = client().no_proxy().build().map_err(|error| told(&error))?;
        Ok(Self { usual, local })
    }

    /// What is at a URL, at most so many bytes of it.
    pub async fn get(
        &self,
        url: &Url,
        shown: &HttpCredentials,
        accept: &str,
        most: u64,
    ) -> Result<HttpAnswer, Unanswered> {
        let mut tries = 1;
        loop {
            match self.once(url, shown, accept, most).await {
                Err(unanswered) if unanswered.passes && tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(250 << tries)).await;
                    tries += 1;
                }
                ended => return ended,
            }
        }
    }

    async fn once(
        &self,
        url: &Url,
        shown: &HttpCredentials,
        accept: &str,
        most: u64,
    ) -> Result<HttpAnswer, Unanswered> {
        let client = if url.host_str().is_some_and(is_local) { &self.local } else { &self.usual };
        let request = client.get(url.clone()).header(ACCEPT, accept);
        let request = match shown {
            HttpCredentials::Nothing => request,
            HttpCredentials::Basic(name, password) => request.basic_auth(name, Some(password)),
            HttpCredentials::Bearer(token) => request.bearer_auth(token),
        };
        let failed = |error: reqwest::Error| Unanswered {
            why: format!("{} can't be read: {}", plain(url), told(&error)),
            status: None,
            headers: HeaderMap::new(),
            // Who says nothing for so long is not asked again.
            passes: !error.is_redirect() && !error.is_timeout(),
        };
        let mut answer = request.send().await.map_err(failed)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if !status.is_success() {
            let why = format!("{} answers {status}", plain(url));
            let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            return Err(Unanswered { why, status: Some(status), headers, passes });
        }
        let mut bytes = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(failed)? {
            if bytes.len() as u64 + more.len() as u64 > most {
                let why = format!("{} has more than {most} bytes", plain(url));
                return Err(Unanswered { why, status: None, headers, passes: false });
            }
            bytes.extend_from_slice(&more);
        }
        Ok(HttpAnswer { headers, bytes })
    }
}

impl Unanswered {
    /// Whether what was asked for is not there.
    pub fn is_absent(&self) -> bool {
        matches!(self.status, Some(StatusCode::NOT_FOUND | StatusCode::GONE))
    }

    /// Why, with the way to credentials where those are missing.
    pub fn told(self, host: &str) -> String {
        match self.status {
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                format!("{}; `docker login {host}` keeps credentials", self.why)
            }
            _ => self.why,
        }
    }
}

/// Whether credentials may be shown at a URL: nobody can listen there.
pub fn is_closed(url: &Url) -> bool {
    url.scheme() == "https" || url.host_str().is_some_and(is_local)
}

/// Whether a host is this machine.
pub fn is_local(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// A URL without what may be secret in it.
fn plain(url: &Url) -> Url {
    let mut url = url.clone();
    // What has no host has no credentials either.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url
}

fn policy() -> Policy {
    Policy::custom(|attempt| {
        // What was asked for over TLS is not taken without it.
        let falls = attempt.previous().iter().any(|url| url.scheme() == "https") && attempt.url().scheme() != "https";
        if falls || attempt.previous().len() > REDIRECTS {
            return attempt.error(if falls { "it leads from https to http" } else { "it leads on and on" });
        }
        attempt.follow()
    })
}

/// What an error says. The outer ones name the URL again, and no reason.
fn told(error: &reqwest::Error) -> String {
    let mut error: &dyn Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_all_of_its_names() {
        for (host, local) in [
            ("localhost", true),
            ("LOCALHOST", true),
            ("127.0.0.1", true),
            ("[::1]", true),
            ("10.0.0.1", false),
            ("localhost.example.com", false),
        ] {
            assert_eq!(is_local(host), local, "{host}");
        }
    }

    #[test]
    fn a_url_is_told_without_what_may_be_secret() {
        let url = Url::parse("https://me:pass@a.example.com/x.tgz?X-Amz-Signature=abc").expect("a URL");
        assert_eq!(plain(&url).as_str(), "https://a.example.com/x.tgz");
    }
}
