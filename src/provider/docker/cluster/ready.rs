//! Waiting until a server's API says that it is ready.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::super::container;
use super::super::engine::Engine;
use super::{kubeconfig, published};
use crate::provider::{Class, ProviderError};

/// How long one question may take.
const PROBE: Duration = Duration::from_secs(3);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until a server has written its kubeconfig and `/readyz` answers with 200, for a limited time.
pub(super) async fn wait(engine: &Engine, server: &str, limit: Duration) -> Result<(), ProviderError> {
    let end = Instant::now() + limit;
    loop {
        let missing = match ask(engine, server).await? {
            Ok(()) => return Ok(()),
            Err(missing) => missing,
        };
        if Instant::now() + PAUSE > end {
            let message = format!("{server} is not ready after {} s: {missing}", limit.as_secs());
            return Err(ProviderError::new(Class::Invalid, message));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks once: nothing when it is ready, or else what is missing.
async fn ask(engine: &Engine, server: &str) -> Result<Result<(), String>, ProviderError> {
    let Some(seen) = container::inspect(engine, server).await? else {
        return Err(ProviderError::new(Class::Conflict, format!("{server} was removed meanwhile")));
    };
    if let Some(condition) = container::condition(&seen) {
        return Ok(Err(format!("it is {condition}")));
    }
    let Some(port) = published(&seen) else { return Ok(Err("its API is not published".into())) };
    let Some(config) = kubeconfig::read(engine, server).await? else {
        return Ok(Err("it has written no kubeconfig".into()));
    };
    let asked = tokio::time::timeout(PROBE, readyz(&engine.machine(), &port, &config)).await;
    Ok(asked.unwrap_or_else(|_| Err("its API does not answer".into())))
}

async fn readyz(machine: &str, port: &str, config: &Value) -> Result<(), String> {
    let connector = TlsConnector::from(Arc::new(client(config)?));
    let name = ServerName::try_from(machine.to_owned()).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect(format!("{machine}:{port}")).await.map_err(|error| error.to_string())?;
    let mut stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
    let request = format!("GET /readyz HTTP/1.0\r\nHost: {machine}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut head = [0; 64];
    let read = stream.read(&mut head).await.map_err(|error| error.to_string())?;
    let line = String::from_utf8_lossy(&head[..read]).into_owned();
    match line.split(' ').nth(1) {
        Some("200") => Ok(()),
        status => Err(format!("/readyz answers with {}", status.unwrap_or("nothing"))),
    }
}

/// TLS as the kubeconfig says: only the cluster's own authority counts, and the client shows its certificate.
fn client(config: &Value) -> Result<ClientConfig, String> {
    let pem = |value: &Value| {
        let text = value.as_str().ok_or("the kubeconfig lacks a certificate")?;
        base64::prelude::BASE64_STANDARD.decode(text).map_err(|error| error.to_string())
    };
    let certificates = |pem: &[u8]| -> Result<Vec<CertificateDer<'static>>, String> {
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())
    };
    let mut roots = RootCertStore::empty();
    for authority in certificates(&pem(&config["clusters"][0]["cluster"]["certificate-authority-data"])?)? {
        roots.add(authority).map_err(|error| error.to_string())?;
    }
    let user = &config["users"][0]["user"];
    let chain = certificates(&pem(&user["client-certificate-data"])?)?;
    let key = PrivateKeyDer::from_pem_slice(&pem(&user["client-key-data"])?).map_err(|error| error.to_string())?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    builder.with_root_certificates(roots).with_client_auth_cert(chain, key).map_err(|error| error.to_string())
}
