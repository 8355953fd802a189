//! Templates that are no good: none may panic, hang or take more than its share.

use std::rc::Rc;
use std::time::{Duration, Instant};

use atlas::render::template::{RenderSettings, Templates};
use atlas::render::value::{ChartValue, Map};
use atlas::render::yaml;

fn render(template: &str, data: &ChartValue) -> Result<String, String> {
    let mut settings = RenderSettings::new(0, Box::new(|bytes: &mut [u8]| bytes.fill(3)));
    settings.steps = 2_000_000;
    settings.output = 4 << 20;
    let mut templates = Templates::new();
    templates.add("t", template).map_err(|fault| fault.to_string())?;
    templates.render("t", data, &settings).map_err(|fault| fault.to_string())
}

fn values() -> ChartValue {
    let values = yaml::read(include_str!("templates/values.yaml")).expect("values");
    ChartValue::map(Map::from([(Rc::from("Values"), values)]))
}

#[test]
fn limits_hold() {
    let begin = Instant::now();
    for template in [
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}",
        "{{ define \"a\" }}{{ include \"b\" . }}{{ end }}{{ define \"b\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ tpl .t . }}",
        "{{ range 1000000000000 }}x{{ end }}",
        "{{ range until 5000 }}{{ range until 5000 }}{{ end }}{{ end }}",
        "{{ until 2000000000 }}",
        "{{ repeat 2000000000 \"abc\" }}",
        "{{ indent 2000000000 \"abc\" }}",
        "{{ $x := \"aaaaaaaaaaaaaaaa\" }}{{ range until 100 }}{{ $x = print $x $x }}{{ end }}{{ $x }}",
        "{{ $x := \"aaaaaaaaaaaaaaaa\" }}{{ range until 100 }}{{ $x = replace \"a\" $x $x }}{{ end }}{{ $x }}",
        "{{ $d := dict }}{{ $_ := set $d \"a\" $d }}{{ mustToJson $d }}",
        "{{ $d := dict }}{{ $_ := set $d \"a\" $d }}{{ mustToYaml $d }}",
        "{{ $d := dict }}{{ $_ := set $d \"a\" $d }}{{ deepCopy $d }}",
        "{{ $d := dict }}{{ $_ := set $d \"a\" $d }}{{ mustToToml $d }}",
        "{{ $d := dict \"x\" 1 }}{{ $_ := set $d \"a\" $d }}{{ $e := dict \"x\" 1 }}{{ $_ := set $e \"a\" $e }}{{ merge $d $e }}",
        "{{ printf \"%1000000d%1000000d%1000000d%1000000d%1000000d\" 1 2 3 4 5 }}",
        "{{ regexReplaceAll \"\" (repeat 10000 \"a\") (repeat 10000 \"b\") }}",
        "{{ mustRegexMatch \"((a{1000}){1000}){1000}\" \"a\" }}",
        "{{ seq 1 1 2000000000 }}",
        "{{ randAlphaNum 2000000000 }}",
    ] {
        let data = ChartValue::map(Map::from([(Rc::from("t"), ChartValue::text("{{ tpl .t . }}"))]));
        let one = Instant::now();
        assert!(render(template, &data).is_err(), "{template}");
        assert!(one.elapsed() < Duration::from_secs(10), "{template}: {:?}", one.elapsed());
    }
    for template in [
        "{{ $d := dict }}{{ $_ := set $d \"a\" $d }}{{ $d }}",
        "{{ $d := dict }}{{ $_ := set $d \"a\" $d }}{{ $e := dict }}{{ $_ := set $e \"a\" $e }}{{ deepEqual $d $e }}",
        "{{ $d := dict }}{{ range until 200 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ $d }}",
        "{{ $d := dict }}{{ range until 200 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ has 1 (list $d) }}",
        "{{ $d := dict }}{{ $e := dict }}{{ range until 200 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ $e = dict \"a\" $e \"b\" $e }}{{ end }}{{ deepEqual $d $e }}",
        "{{ $d := dict }}{{ range until 200 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ toJson $d }}",
        "{{ $d := dict }}{{ range until 200 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ toYaml $d }}",
        "{{ $d := dict }}{{ range until 200 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ toToml $d }}",
    ] {
        let one = Instant::now();
        let _ = render(template, &values());
        println!("{template}: {:?}", one.elapsed());
    }
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[test]
fn deep_values() {
    for template in [
        "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}",
        "{{ $x := dict }}{{ range 100000 }}{{ $x = dict \"a\" $x }}{{ end }}{{ $x = 1 }}",
        "{{ $d := dict }}{{ $c := $d }}{{ range 100000 }}{{ $n := dict }}{{ $_ := set $c \"a\" $n }}{{ $c = $n }}{{ end }}",
        "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}{{ $d := dict \"a\" $x }}{{ $x = 1 }}{{ $_ := unset $d \"a\" }}",
        "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}{{ $x }}{{ toJson $x }}{{ toYaml $x }}{{ deepEqual $x (list $x) }}",
        "{{ $x := list }}{{ range 100000 }}{{ $x = list $x }}{{ end }}{{ has 1 $x }}{{ toToml $x }}{{ deepCopy $x }}",
    ] {
        let _ = render(template, &values());
    }
}

#[test]
fn deep_texts() {
    let timed = |what: &str, template: String| {
        let begin = Instant::now();
        let _ = render(&template, &values());
        assert!(begin.elapsed() < Duration::from_secs(10), "{what}: {:?}", begin.elapsed());
    };
    let count = 20_000;
    timed("parentheses", format!("{{{{ {}1{} }}}}", "(".repeat(count), ")".repeat(count)));
    timed("blocks", format!("{}{}", "{{ if 1 }}".repeat(count), "{{ end }}".repeat(count)));
    timed("branches", format!("{{{{ if 1 }}}}{}{{{{ end }}}}", "{{ else if 1 }}".repeat(count)));
    timed("fields", format!("{{{{ .a{} }}}}", ".b".repeat(count)));
    timed("pipes", format!("{{{{ 1 {} }}}}", "| add 1".repeat(count)));
    timed("groups", format!("{{{{ mustRegexMatch \"{}\" \"a\" }}}}", "(".repeat(count)));
    let lists = format!("{}{}", "[".repeat(count), "]".repeat(count));
    timed("json", format!("{{{{ fromJsonArray \"{lists}\" }}}}"));
    timed("toml", format!("{{{{ fromToml \"a = {lists}\" }}}}"));
    timed("yaml", format!("{{{{ fromYamlArray \"{lists}\" }}}}"));
}

/// Pieces of the templates that are compared with Helm, put together in any way.
#[test]
fn mutations() {
    let cases = concat!(
        include_str!("templates/language.txt"),
        include_str!("templates/printing.txt"),
        include_str!("templates/text.txt"),
        include_str!("templates/lists.txt"),
        include_str!("templates/maps.txt"),
        include_str!("templates/data.txt"),
        include_str!("templates/dates.txt"),
        include_str!("templates/urls.txt"),
        include_str!("templates/numbers.txt"),
        include_str!("templates/patterns.txt"),
        include_str!("templates/encodings.txt"),
        include_str!("templates/versions.txt"),
    );
    let words: Vec<&str> = cases.split_inclusive([' ', '"', '(', ')', '}', '{', '|']).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("a small number")
    };
    let data = values();
    let begin = Instant::now();
    let mut good = 0;
    let lines: Vec<&str> = cases.lines().filter(|line| line.len() < 400).collect();
    for _ in 0..20_000 {
        let mut template = String::from(lines[next(lines.len())]);
        for _ in 0..=next(3) {
            let word = words[next(words.len())];
            let places: Vec<usize> = template.char_indices().map(|(at, _)| at).collect();
            let at = if places.is_empty() { 0 } else { places[next(places.len())] };
            match next(3) {
                0 => template.insert_str(at, word),
                1 => template.truncate(at),
                _ => {
                    let end = places.iter().copied().filter(|end| *end >= at).nth(next(12)).unwrap_or(template.len());
                    template.replace_range(at..end, word);
                }
            }
        }
        let one = Instant::now();
        good += usize::from(render(&template, &data).is_ok());
        assert!(one.elapsed() < Duration::from_secs(10), "{template}: {:?}", one.elapsed());
    }
    println!("{good} of 20000 render, in {:?}", begin.elapsed());
}
