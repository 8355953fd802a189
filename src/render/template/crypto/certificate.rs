//! X.509 certificates as Go makes them.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use super::der::{self, tag};
use super::keys::Key;
use super::pem;
use super::stream::Stream;
use crate::render::fault::RenderFault;
use crate::render::template::time::moment::DateTime;

/// What a certificate is about.
pub struct CertificateRequest<'r> {
    /// The common name.
    pub name: &'r str,
    /// The addresses it holds for.
    pub addresses: Vec<IpAddr>,
    /// The names it holds for.
    pub names: Vec<String>,
    /// For how many days.
    pub days: i64,
    /// From when on, in nanoseconds since 1970.
    pub now: i128,
    /// Whether it may sign others.
    pub authority: bool,
}

/// Who signs a certificate: another one, with its key.
pub struct Signer {
    /// Its subject, encoded.
    subject: Vec<u8>,
    /// The identifier of its key, where it has one.
    identifier: Vec<u8>,
    key: Key,
}

impl Signer {
    /// Reads a certificate and its key in PEM.
    pub fn read(certificate: &str, key: &str) -> Result<Self, RenderFault> {
        let (_, bytes) = pem::read(certificate).ok_or_else(|| RenderFault::new("unable to decode certificate"))?;
        let wrong =
            || RenderFault::new("error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate");
        let (subject, identifier) = subject_of(&bytes).ok_or_else(wrong)?;
        let key =
            Key::read(key).map_err(|fault| RenderFault::new(format!("error parsing private key: {}", fault.what)))?;
        Ok(Self { subject, identifier, key })
    }
}

/// Whether bytes are a certificate.
pub fn is_certificate(bytes: &[u8]) -> bool {
    subject_of(bytes).is_some()
}

/// A certificate in PEM for a key, signed by that key itself or by a signer.
pub fn issue(
    request: &CertificateRequest<'_>,
    key: &Key,
    signer: Option<&Signer>,
    stream: &mut Stream,
) -> Result<String, RenderFault> {
    let signing = signer.map_or(key, |signer| &signer.key);
    let subject = distinguished(request.name);
    let issuer = signer.map_or_else(|| subject.clone(), |signer| signer.subject.clone());
    let mut serial: [u8; 16] = stream.array();
    serial[0] &= 0x7f;
    let begin = DateTime::utc(request.now);
    let day = 86_400_000_000_000_i128;
    let end = DateTime::utc(request.now + i128::from(request.days.clamp(-200_000, 2_000_000)) * day);
    let other = signer.filter(|signer| signer.subject != subject).map(|signer| signer.identifier.as_slice());
    let body = der::group(
        tag::SEQUENCE,
        &[
            der::value(0xa0, &der::integer(&[2])),
            der::integer(&serial),
            signing.signature_algorithm(),
            issuer,
            der::group(tag::SEQUENCE, &[time(&begin), time(&end)]),
            subject,
            key.public(),
            der::value(0xa3, &der::group(tag::SEQUENCE, &extensions(request, key, other.unwrap_or_default()))),
        ],
    );
    let signature = signing.sign(&body)?;
    let parts = [body, signing.signature_algorithm(), der::bits(0, &signature)];
    Ok(pem::write("CERTIFICATE", &der::group(tag::SEQUENCE, &parts)))
}

/// Years from 2050 on have four digits.
fn time(moment: &DateTime) -> Vec<u8> {
    let year = moment.civil().year;
    if (1950..2050).contains(&year) {
        der::value(tag::UTC_TIME, moment.format("060102150405Z").as_bytes())
    } else {
        der::value(tag::TIME, moment.format("20060102150405Z").as_bytes())
    }
}

fn distinguished(name: &str) -> Vec<u8> {
    if name.is_empty() {
        return der::value(tag::SEQUENCE, &[]);
    }
    let printable = name.chars().all(|c| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c));
    let text = der::value(if printable { tag::PRINTABLE } else { tag::UTF8 }, name.as_bytes());
    let attribute = der::group(tag::SEQUENCE, &[der::value(tag::OID, &[0x55, 0x04, 0x03]), text]);
    der::value(tag::SEQUENCE, &der::value(tag::SET, &attribute))
}

fn extension(last: u8, critical: bool, content: &[u8]) -> Vec<u8> {
    let critical = if critical { der::value(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
    let name = der::value(tag::OID, &[0x55, 0x1d, last]);
    der::group(tag::SEQUENCE, &[name, critical, der::value(tag::OCTETS, content)])
}

/// In Go's order: usage of the key, what it serves, whether it signs, identifiers, other names.
fn extensions(request: &CertificateRequest<'_>, key: &Key, signer: &[u8]) -> Vec<Vec<u8>> {
    let usage = if request.authority { der::bits(2, &[0xa4]) } else { der::bits(5, &[0xa0]) };
    let purpose = |last: u8| der::value(tag::OID, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, last]);
    let authority = if request.authority { der::value(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
    let mut all = vec![
        extension(15, true, &usage),
        extension(37, false, &der::group(tag::SEQUENCE, &[purpose(1), purpose(2)])),
        extension(19, true, &der::value(tag::SEQUENCE, &authority)),
    ];
    if request.authority {
        let hash = Sha256::digest(key.public_point());
        all.push(extension(14, false, &der::value(tag::OCTETS, &hash[..20])));
    }
    if !signer.is_empty() {
        all.push(extension(35, false, &der::value(tag::SEQUENCE, &der::value(0x80, signer))));
    }
    let names = request.names.iter().map(|name| der::value(0x82, name.as_bytes()));
    let addresses = request.addresses.iter().map(|address| match address {
        IpAddr::V4(address) => der::value(0x87, &address.octets()),
        IpAddr::V6(address) => der::value(0x87, &address.octets()),
    });
    let others: Vec<_> = names.chain(addresses).collect();
    if !others.is_empty() {
        all.push(extension(17, request.name.is_empty(), &der::group(tag::SEQUENCE, &others)));
    }
    all
}

/// The subject of a certificate and the identifier of its key.
fn subject_of(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (outer, _) = der::read(bytes)?;
    let (body, _) = der::read(outer.content)?;
    let mut parts = der::all(body.content)?;
    if parts.first()?.tag == 0xa0 {
        parts.remove(0);
    }
    let subject = parts.get(4).filter(|part| part.tag == tag::SEQUENCE)?.whole.to_vec();
    let mut identifier = Vec::new();
    if let Some(list) = parts.iter().find(|part| part.tag == 0xa3) {
        for extension in der::all(der::read(list.content)?.0.content)? {
            let fields = der::all(extension.content)?;
            if fields.first()?.content == [0x55, 0x1d, 14] {
                identifier = der::read(fields.last()?.content)?.0.content.to_vec();
            }
        }
    }
    Some((subject, identifier))
}
