//! Values that are not known yet in templates: what lets them through, what computes from them, and where they decide.

use std::rc::Rc;

use atlas::render::RenderFault;
use atlas::render::template::{RenderSettings, Templates};
use atlas::render::value::{ChartValue, Map};

/// What a template comes to with the value `u`, with marks written as what they stand for.
fn render(template: &str) -> Result<String, RenderFault> {
    let settings = RenderSettings::new(0, Box::new(|bytes: &mut [u8]| bytes.fill(1)));
    let unknown = settings.unknown("arn");
    let data = ChartValue::map(Map::from([(Rc::from("u"), unknown), (Rc::from("k"), ChartValue::text("known"))]));
    let mut templates = Templates::new();
    templates.add("t", template)?;
    let mut text = templates.render("t", &data, &settings)?;
    for unknown in settings.unknowns.borrow().iter() {
        text = text.replace(&unknown.mark(), &format!("<{}>", unknown.of));
    }
    Ok(text)
}

fn gives(cases: &[(&str, &str)]) {
    for (template, wanted) in cases {
        let text = render(&format!("{{{{ {template} }}}}")).map_err(|fault| fault.what);
        assert_eq!(text.as_deref(), Ok(*wanted), "{template}");
    }
}

#[test]
fn texts_move() {
    gives(&[
        (".u", "<arn>"),
        (".u | quote", "\"<arn>\""),
        ("squote .u", "'<arn>'"),
        ("printf \"a-%s-%v %q\" .u .u .u", "a-<arn>-<arn> \"<arn>\""),
        ("print .u 1", "<arn>1"),
        ("cat .u \"b\"", "<arn> b"),
        ("indent 2 .u", "  <arn>"),
        ("toJson (dict \"a\" (list .u))", "{\"a\":[\"<arn>\"]}"),
        ("default \"d\" .u", "<arn>"),
        ("default .u \"\"", "<arn>"),
        ("join \",\" (list .u \"b\")", "<arn>,b"),
        ("required \"m\" .u", "<arn>"),
        ("tpl \"{{ .u }}\" .", "<arn>"),
        ("trimSuffix \"-\" (print .u \"--\")", "<arn>-"),
        ("trimPrefix \"x\" (print \"xx\" .u)", "x<arn>"),
        ("trimPrefix \"x\" (print \"xx\" .u \"y\")", "x<arn>y"),
        ("(fromYaml (toYaml (dict \"a\" .u))).a", "<arn>"),
        ("first (list .u)", "<arn>"),
        ("ternary .u \"b\" true", "<arn>"),
        ("coalesce \"\" \"x\" .u", "x"),
        ("or .k .u", "known"),
        ("and .k .u", "<arn>"),
        ("merge (dict \"a\" .u) (dict \"a\" 1) | toJson", "{\"a\":\"<arn>\"}"),
        ("hasKey (dict \"a\" .u) \"a\"", "true"),
        ("if print \"a\" .u }}a{{ end", "a"),
    ]);
}

#[test]
fn functions_compute() {
    gives(&[
        (".u | b64enc", "<b64enc of arn>"),
        ("trunc 5 .u", "<trunc of arn>"),
        ("print \"a\" .u | sha256sum | trunc 8", "<trunc of sha256sum of arn>"),
        (".u.name", "<arn.name>"),
        ("index .u \"a\"", "<arn[a]>"),
        ("trimSuffix \"-\" .u", "<trimSuffix of arn>"),
        ("add .u 1", "<add of arn>"),
        ("printf \"%5s\" .u", "<printf of arn>"),
        ("has \"a\" (list .u)", "<has of arn>"),
        ("sortAlpha (list .u)", "<sortAlpha of arn>"),
        ("splitList \",\" .u", "<splitList of arn>"),
        ("fromYaml .u", "<fromYaml of arn>"),
        ("kindOf .u", "<kindOf of arn>"),
    ]);
}

#[test]
fn unknown_values_decide() {
    for template in [
        "if .u }}a{{ end",
        "if eq .u \"a\" }}a{{ end",
        "if print .u }}a{{ end",
        "with .u }}a{{ end",
        "range .u }}a{{ end",
        "and .u 1",
        "or .u 1",
        "not .u",
        "empty .u",
        "ternary 1 2 .u",
        "coalesce .u 1",
        "hasKey .u \"a\"",
        "set .u \"a\" 1",
        "unset (dict \"a\" 1) .u",
        "merge (dict) .u",
        "index (dict \"a\" 1) .u",
        "len .u",
        "fail .u",
        "fail (printf \"bad %s\" .u)",
        "until (int .u)",
        "seq (int .u)",
        "lt .u \"b\"",
        "if contains \"a\" .u }}a{{ end",
        "if and (kindIs \"string\" .u) true }}a{{ end",
        "compact (list .u)",
        "all .u",
    ] {
        let fault = render(&format!("{{{{ {template} }}}}")).expect_err(template);
        assert!(fault.unknown && fault.what.contains("arn"), "{template}: {fault}");
    }
}
