//! Private keys: RSA, ECDSA on P-256, and Ed25519.

use p256::ecdsa::signature::Signer as _;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _, EncodeRsaPublicKey as _};
use rsa::{Pkcs1v15Sign, PrivateKey};
use sha2::{Digest as _, Sha256};

use super::der::{self, tag};
use super::pem;
use super::stream::Stream;
use crate::render::fault::RenderFault;

/// A private key.
pub enum Key {
    /// RSA.
    Rsa(Box<PrivateKey>),
    /// ECDSA on the curve P-256.
    Ecdsa(Box<p256::ecdsa::SigningKey>),
    /// Ed25519.
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

fn oid(name: &[u8]) -> Vec<u8> {
    der::value(tag::OID, name)
}

fn algorithm(name: &[u8], parameter: Option<Vec<u8>>) -> Vec<u8> {
    der::group(tag::SEQUENCE, &[oid(name), parameter.unwrap_or_default()])
}

fn null() -> Option<Vec<u8>> {
    Some(der::value(tag::NULL, &[]))
}

impl Key {
    /// A new RSA key of so many bits.
    pub fn rsa(stream: &mut Stream, bits: usize) -> Result<Self, RenderFault> {
        let key = PrivateKey::new(stream, bits)
            .map_err(|error| RenderFault::new(format!("error generating rsa key: {error}")))?;
        Ok(Self::Rsa(Box::new(key)))
    }

    /// A new key on the curve P-256.
    pub fn ecdsa(stream: &mut Stream) -> Result<Self, RenderFault> {
        // All but a few of these numbers are keys.
        for _ in 0..64 {
            if let Ok(key) = p256::ecdsa::SigningKey::from_slice(&stream.array::<32>()) {
                return Ok(Self::Ecdsa(Box::new(key)));
            }
        }
        Err(RenderFault::new("failed to generate private key"))
    }

    /// A new Ed25519 key.
    pub fn ed25519(stream: &mut Stream) -> Self {
        Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&stream.array())))
    }

    /// Reads a key in PEM.
    pub fn read(text: &str) -> Result<Self, RenderFault> {
        let (label, bytes) = pem::read(text).ok_or_else(|| RenderFault::new("no PEM data in input"))?;
        let wrong = |what: &str| RenderFault::new(format!("parsing private key from PEM: {what}"));
        match label {
            "RSA PRIVATE KEY" => rsa_key(&bytes).ok_or_else(|| wrong("it is no RSA key")),
            "EC PRIVATE KEY" => ec_key(&bytes).ok_or_else(|| wrong("it is no key on the curve P-256")),
            "PRIVATE KEY" => wrapped_key(&bytes).ok_or_else(|| wrong("it is no key of a kind that is known here")),
            label if label.ends_with(" PRIVATE KEY") => Err(wrong("keys of this type are not known here")),
            label => Err(RenderFault::new(format!("no private key data in PEM block of type {label}"))),
        }
    }

    /// The key in PEM.
    pub fn written(&self) -> Result<String, RenderFault> {
        let failed = || RenderFault::new("the key cannot be written");
        match self {
            Self::Rsa(key) => {
                let document = key.to_pkcs1_der().map_err(|_| failed())?;
                Ok(pem::write("RSA PRIVATE KEY", document.as_bytes()))
            }
            Self::Ecdsa(key) => {
                let point = self.public_point();
                let parts = [
                    der::integer(&[1]),
                    der::value(tag::OCTETS, &key.to_bytes()),
                    der::value(0xa0, &oid(P256)),
                    der::value(0xa1, &der::bits(0, &point)),
                ];
                Ok(pem::write("EC PRIVATE KEY", &der::group(tag::SEQUENCE, &parts)))
            }
            Self::Ed25519(key) => {
                let inner = der::value(tag::OCTETS, &key.to_bytes());
                let parts = [der::integer(&[0]), algorithm(ED25519, None), der::value(tag::OCTETS, &inner)];
                Ok(pem::write("PRIVATE KEY", &der::group(tag::SEQUENCE, &parts)))
            }
        }
    }

    /// The bits of the public key.
    pub fn public_point(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                key.to_public_key().to_pkcs1_der().map(|document| document.as_bytes().to_vec()).unwrap_or_default()
            }
            Self::Ecdsa(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::Ed25519(key) => key.verifying_key().to_bytes().to_vec(),
        }
    }

    /// The public key with its algorithm, as certificates have it.
    pub fn public(&self) -> Vec<u8> {
        let algorithm = match self {
            Self::Rsa(_) => algorithm(RSA, null()),
            Self::Ecdsa(_) => algorithm(EC, Some(oid(P256))),
            Self::Ed25519(_) => algorithm(ED25519, None),
        };
        der::group(tag::SEQUENCE, &[algorithm, der::bits(0, &self.public_point())])
    }

    /// The algorithm of its signatures.
    pub fn signature_algorithm(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => algorithm(SHA256_WITH_RSA, null()),
            Self::Ecdsa(_) => algorithm(ECDSA_WITH_SHA256, None),
            Self::Ed25519(_) => algorithm(ED25519, None),
        }
    }

    /// Signs bytes.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, RenderFault> {
        match self {
            Self::Rsa(key) => {
                let hash = Sha256::digest(bytes);
                // What is signed is the hash with the name of its algorithm; the octets' header stands right before it.
                let mut info = der::group(tag::SEQUENCE, &[algorithm(SHA256, null()), der::value(tag::OCTETS, &hash)]);
                info.truncate(info.len() - hash.len());
                let scheme = Pkcs1v15Sign { hash_len: Some(hash.len()), prefix: info.into() };
                key.sign(scheme, &hash)
                    .map_err(|error| RenderFault::new(format!("error creating certificate: {error}")))
            }
            Self::Ecdsa(key) => {
                let signature: p256::ecdsa::Signature = key
                    .try_sign(bytes)
                    .map_err(|error| RenderFault::new(format!("error creating certificate: {error}")))?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Self::Ed25519(key) => Ok(key.sign(bytes).to_bytes().to_vec()),
        }
    }
}

fn rsa_key(bytes: &[u8]) -> Option<Key> {
    PrivateKey::from_pkcs1_der(bytes).ok().map(|key| Key::Rsa(Box::new(key)))
}

fn ec_key(bytes: &[u8]) -> Option<Key> {
    let (outer, _) = der::read(bytes)?;
    let parts = der::all(outer.content)?;
    let secret = parts.get(1).filter(|part| part.tag == tag::OCTETS)?;
    let curve = parts.iter().find(|part| part.tag == 0xa0);
    if curve.is_some_and(|curve| curve.content != oid(P256)) {
        return None;
    }
    p256::ecdsa::SigningKey::from_slice(secret.content).ok().map(|key| Key::Ecdsa(Box::new(key)))
}

/// A key with the name of its kind around it.
fn wrapped_key(bytes: &[u8]) -> Option<Key> {
    let (outer, _) = der::read(bytes)?;
    let parts = der::all(outer.content)?;
    let names = der::all(parts.get(1)?.content)?;
    let inner = parts.get(2).filter(|part| part.tag == tag::OCTETS)?.content;
    match names.first()?.content {
        RSA => rsa_key(inner),
        EC => ec_key(inner).filter(|_| names.get(1).is_some_and(|curve| curve.content == P256)),
        ED25519 => {
            let secret: [u8; 32] = der::read(inner)?.0.content.try_into().ok()?;
            Some(Key::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&secret))))
        }
        _ => None,
    }
}
