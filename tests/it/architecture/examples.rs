//! The checks themselves, tried on small crates that break each rule.

use super::imports::{Crate, circles};
use super::source::SourceFile;
use super::table::{Pure, Row, rows};
use super::{doubles, impure, upward};

/// A crate of these files.
fn sources(files: &[(&str, &str)]) -> Vec<SourceFile> {
    files.iter().map(|(path, text)| SourceFile::new(path, text)).collect()
}

/// A table of two pure modules and one that is not.
fn table() -> Vec<Row> {
    rows(
        "//! | module | what | pure |\n//! |---|---|---|\n//! | [`low`] | words | yes |\n//! | [`high`] | | yes |\n//! | `edge` | | calm.rs |\n",
    )
}

/// The circles among some files, as the paths in each.
fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    circles(&Crate::new(&sources(files)).edges(false))
}

/// What is wrong with the purity of a file.
fn unclean(path: &str, text: &str) -> Vec<String> {
    let sources = sources(&[(path, text), ("edge/mod.rs", "mod calm; pub struct Loud;")]);
    impure(&sources, &Crate::new(&sources), &table(), &[])
}

#[test]
fn the_table_is_read() {
    let pure = [Pure::Yes, Pure::Yes, Pure::Files(vec!["calm.rs".into()])];
    let expected = ["low", "high", "edge"].into_iter().zip(pure);
    let expected: Vec<Row> = expected.map(|(module, pure)| Row { module: module.into(), pure }).collect();
    assert_eq!(table(), expected);
}

#[test]
fn an_import_from_below_is_seen_however_it_is_written() {
    let ways = [
        "use crate::high::Word;",
        "use crate::{high::Word, other};",
        "use crate::{\n    high::{self as up, Word},\n};",
        "use super::high::Word;",
        "pub use crate::high::Word;",
        "use crate::high::*;",
        "fn f() { crate::high::word() }",
        "fn f() { super::high::word() }",
        "fn f() -> Option<crate::high::Word> { None }",
        "use crate::high; fn f() { high::word() }",
        "fn f() { crate::high() }",
        "mod inner { use super::super::high::Word; }",
        "#[cfg(feature = \"x\")]\nuse crate::high::Word;",
    ];
    for way in ways {
        let sources = sources(&[("low.rs", way), ("high.rs", "pub struct Word;")]);
        assert_eq!(upward(&Crate::new(&sources).edges(true), &table()).len(), 1, "{way}");
    }
    let ways = [
        "// use crate::high::Word;",
        "/* use crate::high::Word; */",
        "fn f() -> &'static str { \"crate::high::word()\" }",
        "fn f() -> &'static str { r#\"use \"crate::high::Word\";\"# }",
        "#[cfg(test)]\nmod tests { use crate::high::Word; }",
        "fn f(high: u8) -> u8 { high }",
    ];
    for way in ways {
        let sources = sources(&[("low.rs", way), ("high.rs", "pub struct Word; use crate::low::f;")]);
        assert_eq!(upward(&Crate::new(&sources).edges(true), &table()), [""; 0], "{way}");
    }
}

#[test]
fn two_files_that_import_each_other_are_seen() {
    let pair = |a: &str, b: &str| found(&[("m/mod.rs", "mod a; mod b;"), ("m/a.rs", a), ("m/b.rs", b)]);
    assert_eq!(pair("use super::b::B; pub struct A;", "use super::a::A; pub struct B;"), [["m/a.rs", "m/b.rs"]]);
    assert_eq!(pair("use super::b; fn f() { b::go() }", "use crate::m::a::A;"), [["m/a.rs", "m/b.rs"]]);
    assert_eq!(pair("fn f() { super::b::go() }", "fn go() { crate::m::a::f() }"), [["m/a.rs", "m/b.rs"]]);
    assert!(pair("use super::b::B; pub struct A;", "pub struct B;").is_empty());
    assert!(pair("use super::b::B;", "pub struct B; #[cfg(test)] mod tests { use super::super::a::A; }").is_empty());
}

#[test]
fn a_re_exported_name_belongs_to_where_it_is_defined() {
    // The parent only re-exports `A`, and `b` uses it through the parent.
    let parent = "mod a; mod b; pub use a::A; pub use b::go;";
    let files = [("m/mod.rs", parent), ("m/a.rs", "pub struct A;"), ("m/b.rs", "use super::A; pub fn go() {}")];
    assert!(found(&files).is_empty());
    // The parent uses `go`, and `b` uses what the parent defines.
    let parent = "mod a; mod b; pub use b::go; pub struct Own; fn f() { go() }";
    let files = [("m/mod.rs", parent), ("m/a.rs", ""), ("m/b.rs", "use super::Own; pub fn go() {}")];
    assert_eq!(found(&files), [["m/b.rs", "m/mod.rs"]]);
    // `a` uses `b` through the parent, and `b` uses `a`.
    let parent = "mod a; mod b; pub use a::A; pub use b::B;";
    let files =
        [("m/mod.rs", parent), ("m/a.rs", "use crate::m::B; pub struct A;"), ("m/b.rs", "use super::A; pub struct B;")];
    assert_eq!(found(&files), [["m/a.rs", "m/b.rs"]]);
}

#[test]
fn a_circle_of_three_is_seen() {
    let files = [
        ("m/mod.rs", "mod a; mod b; mod c;"),
        ("m/a.rs", "use super::b::B;"),
        ("m/b.rs", "use super::c::C;"),
        ("m/c.rs", "use super::a::A;"),
    ];
    assert_eq!(found(&files), [["m/a.rs", "m/b.rs", "m/c.rs"]]);
}

#[test]
fn threads_and_hidden_state_are_not_pure() {
    let texts = [
        "use std::thread;",
        "fn f() { std::thread::sleep(d) }",
        "use std::thread; fn f() { thread::spawn(|| ()); }",
        "use std::{collections::BTreeMap, thread};",
        "fn f() { scope.spawn(|_| ()); }",
        "use std::sync::Mutex; static S: Mutex<u8> = Mutex::new(0);",
        "static S: std::sync::RwLock<u8> = std::sync::RwLock::new(0);",
        "use std::sync::atomic::{AtomicU64, Ordering};",
        "static N: AtomicUsize = AtomicUsize::new(0);",
        "static mut N: u8 = 0;",
        "static N: std::sync::OnceLock<u8> = std::sync::OnceLock::new();",
        "static N: LazyLock<u8> = LazyLock::new(|| 1);",
        "thread_local! { static N: u8 = 0; }",
        "use std::cell::Cell; struct S(Cell<u8>);",
        "struct S { inner: std::cell::RefCell<u8> }",
        "use rayon::prelude::*;",
        "use crate::mutation::{Mutation, arm};",
    ];
    for text in texts {
        assert!(!unclean("low.rs", text).is_empty(), "{text}");
        assert!(!unclean("high/deep/one.rs", text).is_empty(), "{text} in a folder");
        assert!(!unclean("edge/calm.rs", text).is_empty(), "{text} in one file of a module");
        assert!(unclean("edge/loud.rs", text).is_empty(), "{text} where nobody promised to be pure");
    }
}

#[test]
fn effects_are_not_pure() {
    let texts = [
        "fn f() { std::fs::read(p) }",
        "use std::{fs, path::Path};",
        "use std::io::Write as _;",
        "fn f() { std::env::var(n) }",
        "fn f() { std::process::exit(1) }",
        "fn now() { std::time::Instant::now() }",
        "use std::time::SystemTime;",
        "async fn f() {}",
        "fn f() { println!() }",
        "use tokio::time::sleep;",
        "use crate::edge::Loud;",
    ];
    for text in texts {
        assert!(!unclean("low.rs", text).is_empty(), "{text}");
    }
    for text in
        ["use std::sync::Arc;", "use std::time::Duration;", "// a thread, async\nfn f() {}", "use std::net::IpAddr;"]
    {
        assert_eq!(unclean("low.rs", text), [""; 0], "{text}");
    }
}

#[test]
fn an_exception_holds_for_its_file_and_its_word_only() {
    let sources = sources(&[("low.rs", "use rayon::prelude::*; fn f() { spawn() }"), ("high.rs", "use rayon::join;")]);
    let all = Crate::new(&sources);
    let count = |exceptions: &[(&str, &str, &str)]| impure(&sources, &all, &table(), exceptions).len();
    assert_eq!(count(&[]), 3);
    assert_eq!(count(&[("low.rs", "rayon", "…")]), 2);
    assert_eq!(count(&[("low.rs", "rayon", "…"), ("low.rs", "Mutex", "…")]), 3, "an exception that nothing needs");
}

#[test]
fn two_types_with_one_name_are_seen() {
    let files =
        [("low.rs", "pub struct Word<'a>(&'a str);"), ("high.rs", "enum Word { One }\nfn f() {\n    struct Low;\n}")];
    let files = sources(&files);
    assert_eq!(doubles(&files).len(), 1);
}
