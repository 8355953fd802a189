//! Sprig's functions for passwords: `bcrypt`, `htpasswd`, `derivePassword`, `encryptAES`.

use aes::cipher::{Array, BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use hmac::Mac as _;

use super::encodings::{base64_bytes, base64_text};
use crate::render::bytes;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};

use ArgumentType::{Text, Uint32};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("bcrypt", &[Text], |call| text(bcrypt(call, &call.args.text(0))?)),
    TemplateFunction::new("htpasswd", &[Text, Text], htpasswd),
    TemplateFunction::new("derivePassword", &[Uint32, Text, Text, Text, Text], derive),
    TemplateFunction::new("encryptAES", &[Text, Text], encrypt),
    TemplateFunction::new("decryptAES", &[Text, Text], decrypt),
];

/// The hash of a password with a salt from the caller's entropy.
fn bcrypt(call: &FunctionCall<'_, '_>, password: &str) -> Result<String, RenderFault> {
    // Each of these takes a good part of a second.
    call.run.spend(200_000)?;
    let salt: [u8; 16] = call.run.bytes(16)?.try_into().unwrap_or_default();
    let given = bytes::bytes(password);
    if given.len() > 72 {
        return Ok("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned());
    }
    Ok(match ::bcrypt::hash_with_salt(given, 10, salt) {
        Ok(parts) => parts.format_for_version(::bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    })
}

fn htpasswd(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let (user, password) = (call.args.text(0), call.args.text(1));
    if user.contains(':') {
        return text(format!("invalid username: {user}"));
    }
    text(format!("{user}:{}", bcrypt(call, &password)?))
}

/// The characters that a letter of a password's form stands for.
fn characters(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The forms of the kinds of passwords, by the algorithm of Master Password.
fn forms(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn derive(call: &FunctionCall<'_, '_>) -> FunctionResult {
    const NAME: &[u8] = b"com.lyndir.masterpassword";
    call.run.spend(500_000)?;
    let counter = u32::try_from(call.args.int(0)).unwrap_or(0);
    let kind = call.args.text(1);
    let Some(forms) = forms(&kind) else { return text(format!("cannot find password template {kind}")) };
    let [password, user, site] = [2, 3, 4].map(|at| bytes::bytes(&call.args.text(at)));
    let len = |it: &[u8]| u32::try_from(it.len()).unwrap_or(u32::MAX).to_be_bytes();
    let salt = [NAME, &len(&user), &user].concat();
    let failed = || RenderFault::new("failed to derive password");
    let parameters = ::scrypt::Params::new(15, 8, 2).map_err(|_| failed())?;
    let mut key = [0; 64];
    ::scrypt::scrypt(&password, &salt, &parameters, &mut key).map_err(|_| failed())?;
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key).map_err(|_| failed())?;
    mac.update(&[NAME, &len(&site), &site, &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();
    let form = forms[usize::from(seed[0]) % forms.len()];
    let one = |(letter, byte): (u8, &u8)| {
        let set = characters(letter);
        char::from(set[usize::from(*byte) % set.len()])
    };
    text(form.bytes().zip(&seed[1..]).map(one).collect::<String>())
}

fn cipher(password: &str) -> aes::Aes256 {
    let mut key = [0; 32];
    for (slot, byte) in key.iter_mut().zip(bytes::bytes(password)) {
        *slot = byte;
    }
    aes::Aes256::new(&key.into())
}

/// Blocks that are chained, after a random first one.
fn encrypt(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut plain = bytes::bytes(&call.args.text(1));
    if plain.is_empty() {
        return text("");
    }
    let padding = 16 - plain.len() % 16;
    plain.extend(std::iter::repeat_n(u8::try_from(padding).unwrap_or(16), padding));
    let cipher = cipher(&call.args.text(0));
    let mut out = call.run.bytes(16)?;
    for chunk in plain.chunks(16) {
        let before = out.len() - 16;
        let mut block = [0_u8; 16];
        for (at, byte) in block.iter_mut().enumerate() {
            *byte = chunk[at] ^ out[before + at];
        }
        let mut block = Array::from(block);
        cipher.encrypt_block(&mut block);
        out.extend_from_slice(&block);
    }
    text(base64_text(&out))
}

fn decrypt(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let coded = call.args.text(1);
    if coded.is_empty() {
        return text("");
    }
    let given = base64_bytes(coded.as_bytes())
        .map_err(|at| RenderFault::new(format!("illegal base64 data at input byte {at}")))?;
    if given.len() < 32 || given.len() % 16 != 0 {
        return fail("crypto/cipher: input not full blocks");
    }
    let cipher = cipher(&call.args.text(0));
    let mut out = Vec::with_capacity(given.len());
    for (at, chunk) in given.chunks(16).enumerate().skip(1) {
        let mut block = Array::from(<[u8; 16]>::try_from(chunk).unwrap_or_default());
        cipher.decrypt_block(&mut block);
        out.extend(block.iter().enumerate().map(|(place, byte)| byte ^ given[(at - 1) * 16 + place]));
    }
    let padding = usize::from(out.last().copied().unwrap_or(0));
    match out.len().checked_sub(padding) {
        Some(len) => text(bytes::text(&out[..len])),
        None => fail("runtime error: slice bounds out of range"),
    }
}
