//! `atlas explain`: a kind and its attributes, or the code of a diagnostic.

use super::End;
use super::failure::Failure;
use super::ui::Ui;
use crate::diagnostic::code::{self, Code, Example};
use crate::kind::{self, Attribute, COMMON, Kind, Places, Type};
use crate::style::Role;
use crate::suggest::suggest;

pub fn run(name: Option<&str>, ui: &Ui) -> Result<End, Failure> {
    let Some(name) = name else {
        if ui.json() {
            let all: Vec<_> = kind::ALL.iter().map(|kind| json(kind)).collect();
            ui.out_pretty(&serde_json::json!({ "kinds": all }));
            return Ok(End::Good);
        }
        for kind in kind::ALL {
            ui.out(&format!("{} {}\n", ui.palette().paint(Role::Strong, &format!("{:10}", kind.name)), kind.summary));
        }
        ui.note("\nMore of one: atlas explain KIND. What an error or a warning means: atlas explain CODE\n");
        return Ok(End::Good);
    };
    if let Some(code) = code::get(name) {
        if ui.json() {
            ui.out_pretty(&code_json(code));
        } else {
            ui.out(&code_text(code, ui));
        }
        return Ok(End::Good);
    }
    if name == "reconcile" {
        return Ok(settings(ui));
    }
    let Some(kind) = kind::get(name) else {
        let kinds: Vec<&str> = kind::ALL.iter().map(|kind| kind.name).collect();
        let names: Vec<&str> = kinds.iter().copied().chain(code::all().map(|code| code.name)).collect();
        let otherwise = || format!("the kinds are {}; a code is written like A0102", kinds.join(", "));
        return Err(Failure::new(format!("there is no kind and no code `{name}`"))
            .hint(suggest(name, &names).unwrap_or_else(otherwise)));
    };
    if ui.json() {
        ui.out_pretty(&json(kind));
    } else {
        ui.out(&text(kind, ui));
    }
    Ok(End::Good)
}

/// Explains `[reconcile]`, which is no kind.
fn settings(ui: &Ui) -> End {
    if ui.json() {
        let attributes: Vec<_> = kind::RECONCILE.iter().map(attribute_json).collect();
        ui.out_pretty(&serde_json::json!({ "table": "reconcile", "attributes": attributes }));
        return End::Good;
    }
    let mut text = format!(
        "{}\nHow `atlas reconcile` works, and within which limits.\n\n",
        ui.palette().paint(Role::Strong, "[reconcile]")
    );
    kind::RECONCILE.iter().for_each(|attribute| entry(attribute, 2, ui, &mut text));
    ui.out(&text);
    End::Good
}

fn text(kind: &Kind, ui: &Ui) -> String {
    let strong = |text: &str| ui.palette().paint(Role::Strong, text);
    let mut text = format!("{}\n{}\n\n", strong(&header(kind)), kind.summary);
    for attribute in kind::place_attribute(kind).into_iter().chain(&*kind.attributes) {
        entry(attribute, 2, ui, &mut text);
    }
    if !kind.outputs.is_empty() {
        text.push_str(&format!("{}\n", strong("Outputs, for references:")));
        for output in kind.outputs.iter() {
            text.push_str(&format!("  {:20} {}\n", output.name, output.doc));
        }
        text.push('\n');
    }
    text.push_str(&format!("{}\n", strong("Every kind also takes:")));
    for attribute in COMMON {
        entry(attribute, 2, ui, &mut text);
    }
    text
}

fn entry(attribute: &Attribute, indent: usize, ui: &Ui, text: &mut String) {
    let pad = " ".repeat(indent);
    let mut notes = vec![attribute.ty.describe()];
    match &attribute.default {
        Some(default) => notes.push(format!("default {default}")),
        None if attribute.required => notes.push("required".into()),
        None => {}
    }
    if attribute.replaces {
        notes.push("a change replaces the object".into());
    } else if attribute.removal_replaces {
        notes.push("to remove it replaces the object".into());
    }
    let name = ui.palette().paint(Role::Strong, attribute.name);
    text.push_str(&format!("{pad}{name}  {}\n", ui.palette().paint(Role::Dim, &notes.join("; "))));
    text.push_str(&format!("{pad}    {}\n", attribute.doc));
    let reserved: Vec<&str> = attribute.reserved.iter().flat_map(|rule| rule.keys.iter()).collect();
    if !reserved.is_empty() {
        text.push_str(&format!("{pad}    Reserved: {}\n", reserved.join(", ")));
    }
    let mut inner = &attribute.ty;
    while let Type::List(item) | Type::Set(item) | Type::Map(item) = inner {
        inner = item;
    }
    if let Type::Object(attributes) | Type::WordOrObject(_, attributes) = inner {
        attributes.iter().for_each(|attribute| entry(attribute, indent + 4, ui, text));
    } else {
        text.push_str(&format!("{pad}    {} = {}\n", attribute.name, attribute.example()));
    }
}

fn code_text(code: &Code, ui: &Ui) -> String {
    let strong = |text: &str| ui.palette().paint(Role::Strong, text);
    let (Example::Spec(example) | Example::Story(example)) = code.example;
    let example = if example.is_empty() { "an empty spec\n" } else { example };
    let lines: Vec<String> = example.lines().map(|line| format!("  {line}").trim_end().to_owned()).collect();
    format!(
        "{}\n{}\n\n{}\n{}\n\n{}\n{}\n",
        strong(&format!("{}: {}", code.name, code.summary)),
        code.meaning,
        strong("For example:"),
        lines.join("\n"),
        strong("The way out:"),
        code.remedy
    )
}

fn code_json(code: &Code) -> serde_json::Value {
    let (Example::Spec(example) | Example::Story(example)) = code.example;
    serde_json::json!({
        "code": code.name,
        "summary": code.summary,
        "meaning": code.meaning,
        "example": example,
        "remedy": code.remedy,
    })
}

fn header(kind: &Kind) -> String {
    match kind.places {
        Places::Inside(parent) => format!("[{parent}.NAME.{}.NAME]", kind.name),
        _ => format!("[{}.NAME]", kind.name),
    }
}

fn attribute_json(attribute: &Attribute) -> serde_json::Value {
    serde_json::json!({
        "name": attribute.name,
        "type": attribute.ty.describe(),
        "doc": &*attribute.doc,
        "default": attribute.default.as_ref().map(|_| kind::default_of(attribute).to_json()),
        "required": attribute.required,
        "replaces": attribute.replaces,
        "sensitive": attribute.sensitive,
        "reserved": attribute.reserved.iter().flat_map(|rule| rule.keys.iter()).collect::<Vec<_>>(),
        "examples": attribute.examples.iter().collect::<Vec<_>>(),
    })
}

fn json(kind: &Kind) -> serde_json::Value {
    let outputs = kind.outputs.iter().map(|output| serde_json::json!({ "name": output.name, "doc": &*output.doc }));
    serde_json::json!({
        "kind": kind.name,
        "summary": &*kind.summary,
        "attributes": kind::attributes_of(kind).map(attribute_json).collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
    })
}
