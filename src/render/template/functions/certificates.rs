//! Sprig's functions for certificates and private keys.

use std::net::IpAddr;
use std::rc::Rc;

use super::encodings::base64_bytes;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::crypto::certificate::{self, CertificateRequest, Signer};
use crate::render::template::crypto::keys::Key;
use crate::render::template::crypto::pem;
use crate::render::template::crypto::stream::Stream;
use crate::render::template::format;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};
use crate::render::value::{ChartValue, Methods};

use ArgumentType::{Certificate, Int, List, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("genPrivateKey", &[Text], |call| text(private_key(call))),
    TemplateFunction::new("genCA", &[Text, Int], |call| authority(call, None)),
    TemplateFunction::new("genCAWithKey", &[Text, Int, Text], |call| authority(call, Some(2))),
    TemplateFunction::new("genSelfSignedCert", &[Text, List, List, Int], |call| issued(call, None, None)).deep(),
    TemplateFunction::new("genSelfSignedCertWithKey", &[Text, List, List, Int, Text], |call| {
        issued(call, None, Some(4))
    })
    .deep(),
    TemplateFunction::new("genSignedCert", &[Text, List, List, Int, Certificate], |call| issued(call, Some(4), None))
        .deep(),
    TemplateFunction::new("genSignedCertWithKey", &[Text, List, List, Int, Certificate, Text], |call| {
        issued(call, Some(4), Some(5))
    })
    .deep(),
    TemplateFunction::new("buildCustomCert", &[Text, Text], custom),
];

/// A certificate with its key, both in PEM.
#[derive(Debug)]
struct Pair {
    certificate: Rc<str>,
    key: Rc<str>,
}

impl Methods for Pair {
    fn call(&self, name: &str, _: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        match name {
            "Cert" => Some(Ok(ChartValue::Text(Rc::clone(&self.certificate)))),
            "Key" => Some(Ok(ChartValue::Text(Rc::clone(&self.key)))),
            _ => None,
        }
    }

    fn value(&self) -> ChartValue {
        ChartValue::text(format!("{{{} {}}}", self.certificate, self.key))
    }

    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }
}

fn stream(call: &FunctionCall<'_, '_>) -> Result<Stream, RenderFault> {
    Ok(Stream::new(&call.run.bytes(48)?))
}

fn private_key(call: &FunctionCall<'_, '_>) -> String {
    let kind = call.args.text(0);
    let made = stream(call).and_then(|mut stream| match &*kind {
        "" | "rsa" => Key::rsa(&mut stream, 4096),
        "ecdsa" => Key::ecdsa(&mut stream),
        "ed25519" => Ok(Key::ed25519(&mut stream)),
        "dsa" => fail("DSA keys are not made any more"),
        other => fail(format!("Unknown type {other}")),
    });
    made.and_then(|key| key.written()).unwrap_or_else(|fault| fault.what)
}

/// A key that is given, or a new one.
fn key(call: &FunctionCall<'_, '_>, given: Option<usize>, stream: &mut Stream) -> Result<Key, RenderFault> {
    match given {
        Some(at) => Key::read(&call.args.text(at))
            .map_err(|fault| RenderFault::new(format!("parsing private key: {}", fault.what))),
        None => {
            // Primes are far to find: a template that asks for key after key is stopped.
            call.run.spend(1_000_000)?;
            Key::rsa(stream, 2048)
        }
    }
}

fn pair(certificate: String, key: &Key) -> FunctionResult {
    Ok(ChartValue::Object(Rc::new(Pair { certificate: certificate.into(), key: key.written()?.into() })))
}

fn authority(call: &FunctionCall<'_, '_>, given: Option<usize>) -> FunctionResult {
    let name = call.args.text(0);
    let mut stream = stream(call)?;
    let key = key(call, given, &mut stream)?;
    let (addresses, names) = (Vec::new(), Vec::new());
    let (days, now) = (call.args.int(1), call.run.settings.now);
    let request = CertificateRequest { name: &name, addresses, names, days, now, authority: true };
    pair(certificate::issue(&request, &key, None, &mut stream)?, &key)
}

fn issued(call: &FunctionCall<'_, '_>, signer: Option<usize>, given: Option<usize>) -> FunctionResult {
    let name = call.args.text(0);
    let signer = match signer.map(|at| call.args.any(at)) {
        Some(ChartValue::Object(object)) => {
            let part = |name: &str| match object.call(name, &[]) {
                Some(Ok(ChartValue::Text(text))) => text,
                _ => "".into(),
            };
            Some(Signer::read(&part("Cert"), &part("Key"))?)
        }
        _ => None,
    };
    let (addresses, names) = (addresses(call.args.any(1))?, names(call.args.any(2))?);
    let mut stream = stream(call)?;
    let key = key(call, given, &mut stream)?;
    let (days, now) = (call.args.int(3), call.run.settings.now);
    let request = CertificateRequest { name: &name, addresses, names, days, now, authority: false };
    pair(certificate::issue(&request, &key, signer.as_ref(), &mut stream)?, &key)
}

fn addresses(value: &ChartValue) -> Result<Vec<IpAddr>, RenderFault> {
    let ChartValue::List(items) = value else { return Ok(Vec::new()) };
    let one = |item: &ChartValue| match item {
        ChartValue::Text(text) => text.parse().map_err(|_| RenderFault::new(format!("error parsing ip: {text}"))),
        other => fail(format!("error parsing ip: {} is not a string", format::plain(other))),
    };
    items.iter().map(one).collect()
}

fn names(value: &ChartValue) -> Result<Vec<String>, RenderFault> {
    let ChartValue::List(items) = value else { return Ok(Vec::new()) };
    let one = |item: &ChartValue| match item {
        ChartValue::Text(text) => Ok(text.to_string()),
        other => fail(format!("error processing alternate dns name: {} is not a string", format::plain(other))),
    };
    items.iter().map(one).collect()
}

fn custom(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let decoded = |at: usize, what: &str| {
        let bytes = base64_bytes(call.args.text(at).as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        bytes.ok_or_else(|| RenderFault::new(format!("unable to decode base64 {what}")))
    };
    let (certificate, key) = (decoded(0, "certificate")?, decoded(1, "private key")?);
    let (_, bytes) = pem::read(&certificate).ok_or_else(|| RenderFault::new("unable to decode certificate"))?;
    if !certificate::is_certificate(&bytes) {
        return fail("error parsing certificate: decodedCert.Bytes: x509: malformed certificate");
    }
    Key::read(&key).map_err(|fault| RenderFault::new(format!("error parsing private key: {}", fault.what)))?;
    Ok(ChartValue::Object(Rc::new(Pair { certificate: certificate.into(), key: key.into() })))
}
