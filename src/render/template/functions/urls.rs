//! Sprig's `urlParse` and `urlJoin`.

use std::fmt::Write as _;
use std::rc::Rc;

use crate::render::bytes;
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::format::quoted;
use crate::render::template::kinds;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};
use crate::render::value::{ChartValue, Map};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("urlParse", &[ArgumentType::Text], parse),
    TemplateFunction::new("urlJoin", &[ArgumentType::Map], join).deep(),
];

/// Where in an address a text stands, which says what is escaped there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UrlPart {
    User,
    Host,
    Path,
    Fragment,
}

fn parse(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let it = call.args.text(0);
    let parts =
        read(&it).map_err(|what| RenderFault::new(format!("unable to parse url: parse {}: {what}", quoted(&it))))?;
    let entries = parts.into_iter().map(|(key, part)| (Rc::from(key), ChartValue::text(part)));
    Ok(ChartValue::map(entries.collect::<Map>()))
}

fn read(whole: &str) -> Result<Vec<(&'static str, String)>, String> {
    let (address, fragment) = whole.split_once('#').unwrap_or((whole, ""));
    if whole.chars().any(|c| c < ' ' || c == '\u{7f}') {
        return Err("net/url: invalid control character in URL".into());
    }
    let (scheme, rest) = scheme(address)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut found = vec![("scheme", scheme.to_ascii_lowercase()), ("query", query.to_owned())];
    let (mut user, mut host, mut path, mut opaque) = (String::new(), String::new(), rest, "");
    if !rest.starts_with('/') && !scheme.is_empty() {
        (opaque, path) = (rest, "");
    } else if let Some(after) = rest.strip_prefix("//").filter(|after| !(scheme.is_empty() && after.starts_with('/'))) {
        let end = after.find('/').unwrap_or(after.len());
        (user, host) = authority(&after[..end])?;
        path = &after[end..];
    } else if !rest.starts_with('/') && rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
        return Err("first path segment in URL cannot contain colon".into());
    }
    let bare = host.rfind(':').filter(|at| !host[*at..].contains(']')).map_or(host.as_str(), |at| &host[..at]);
    found.extend([
        ("hostname", bare.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(bare).to_owned()),
        ("path", unescaped(path, UrlPart::Path)?),
        ("opaque", opaque.to_owned()),
        ("fragment", unescaped(fragment, UrlPart::Fragment)?),
        ("userinfo", user),
        ("host", host),
    ]);
    Ok(found)
}

fn scheme(address: &str) -> Result<(&str, &str), String> {
    let end = address.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(address.len());
    if !address[end..].starts_with(':') || !address[..end].starts_with(|c: char| c.is_ascii_alphabetic()) {
        return if address.starts_with(':') { Err("missing protocol scheme".into()) } else { Ok(("", address)) };
    }
    Ok((&address[..end], &address[end + 1..]))
}

/// The user and the host. The user is written as Go writes one that it read.
fn authority(text: &str) -> Result<(String, String), String> {
    let Some((info, host)) = text.rsplit_once('@') else { return Ok((String::new(), checked_host(text)?)) };
    let valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !info.chars().all(valid) {
        return Err("net/url: invalid userinfo".into());
    }
    let (name, password) = info.split_once(':').map_or((info, None), |(name, password)| (name, Some(password)));
    let mut user = escaped(&unescaped(name, UrlPart::User)?, UrlPart::User);
    if let Some(password) = password {
        user.push(':');
        user.push_str(&escaped(&unescaped(password, UrlPart::User)?, UrlPart::User));
    }
    Ok((user, checked_host(host)?))
}

/// The user in front of a host. A slash ends it before there is one.
fn address_user(userinfo: &str) -> Result<(String, String), String> {
    let whole = format!("{userinfo}@host");
    let end = whole.find(['/', '?', '#']).unwrap_or(whole.len());
    authority(&whole[..end])
}

fn checked_host(host: &str) -> Result<String, String> {
    let port = if host.starts_with('[') {
        let end = host.rfind(']').ok_or("missing ']' in host")?;
        &host[end + 1..]
    } else {
        host.rfind(':').map_or("", |at| &host[at..])
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    if (!port.is_empty() && !port.starts_with(':')) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("invalid port {} after host", quoted(port)));
    }
    if let Some(c) = host.chars().find(|c| " \"\\^`{|}".contains(*c)) {
        return Err(format!("invalid character {} in host name", quoted(&c.to_string())));
    }
    unescaped(host, UrlPart::Host)
}

fn unescaped(text: &str, place: UrlPart) -> Result<String, String> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let given = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = given.get(at) {
        if *byte != b'%' {
            out.push(*byte);
            at += 1;
            continue;
        }
        let code = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let signed = matches!(given.get(at + 1), Some(b'+' | b'-'));
        match code.filter(|code| !signed && (place != UrlPart::Host || !code.is_ascii())) {
            Some(code) => out.push(code),
            None => {
                let end = (at..=(at + 3).min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(at);
                return Err(format!("invalid URL escape {}", quoted(&text[at..end])));
            }
        }
        at += 3;
    }
    Ok(bytes::text(&out))
}

fn escaped(text: &str, place: UrlPart) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in bytes::bytes(text) {
        let kept = byte.is_ascii_alphanumeric()
            || b"-_.~".contains(&byte)
            || match place {
                UrlPart::User => b"$&+,;=".contains(&byte),
                UrlPart::Host => b"!$&'()*+,;=:[]<>\"".contains(&byte),
                UrlPart::Path => b"$&+,/:;=@".contains(&byte),
                UrlPart::Fragment => b"$&+,/:;=?@!()*".contains(&byte),
            };
        if kept {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn join(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let entries = call.args.map(0).map(|map| map.borrow().clone()).unwrap_or_default();
    let part = |key: &str| match entries.get(key) {
        None => Ok(String::new()),
        Some(ChartValue::Text(text)) => Ok(text.to_string()),
        Some(other) => {
            let kind = kinds::kind(other);
            fail(format!("unable to parse {key} key, must be of type string, but {kind} found"))
        }
    };
    let (scheme, host, path, query) = (part("scheme")?, part("host")?, part("path")?, part("query")?);
    let (opaque, fragment, userinfo) = (part("opaque")?, part("fragment")?, part("userinfo")?);
    let user = if userinfo.is_empty() {
        userinfo
    } else {
        address_user(&userinfo).map_err(|what| RenderFault::new(format!("unable to parse userinfo in dict: {what}")))?.0
    };
    let mut out = if scheme.is_empty() { String::new() } else { format!("{scheme}:") };
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            if !host.is_empty() || !path.is_empty() || !user.is_empty() {
                out.push_str("//");
            }
            if !user.is_empty() {
                out.push_str(&user);
                out.push('@');
            }
            out.push_str(&escaped(&host, UrlPart::Host));
        }
        let written = escaped(&path, UrlPart::Path);
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        if out.is_empty() && written.split('/').next().is_some_and(|segment| segment.contains(':')) {
            out.push_str("./");
        }
        out.push_str(&written);
    } else {
        out.push_str(&opaque);
    }
    if !query.is_empty() {
        let _ = write!(out, "?{query}");
    }
    if !fragment.is_empty() {
        let _ = write!(out, "#{}", escaped(&fragment, UrlPart::Fragment));
    }
    text(out)
}
