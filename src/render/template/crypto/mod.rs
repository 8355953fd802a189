//! Keys and certificates, drawn from the entropy of the caller.

pub mod certificate;
pub mod der;
pub mod keys;
pub mod pem;
pub mod stream;
