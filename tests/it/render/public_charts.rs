//! A folder of public charts, rendered here and by the real Helm with their defaults and each of their `ci/*.yaml`.
//! `scripts/helm-suites FOLDER` runs it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use atlas::render::RenderFault;
use atlas::render::helm::{self, Chart, RenderRequest, values_file};
use atlas::render::yaml::{self, Numbers};

#[derive(Default)]
struct Tally {
    bytes: usize,
    objects: usize,
    refused: usize,
    different: Vec<String>,
    time: Duration,
    slowest: (Duration, String),
}

#[test]
#[ignore = "it takes a folder of public charts; scripts/helm-suites names one"]
fn public_charts_come_to_the_same() {
    let (Some(helm), Ok(charts)) = (super::helm(), std::env::var("ATLAS_TEST_CHARTS")) else { return };
    let mut tally = Tally::default();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(charts)
        .expect("good")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("Chart.yaml").is_file())
        .collect();
    folders.sort();
    for folder in folders {
        let files = read(&folder);
        let mut cases = vec![None];
        cases.extend(
            files
                .keys()
                .filter(|path| path.starts_with("ci/") && path.ends_with(".yaml"))
                .map(|path| Some(path.clone())),
        );
        for case in cases {
            compare(&helm, &folder, &files, case.as_deref(), &mut tally);
        }
    }
    let Tally { bytes, objects, refused, different, time, slowest } = &tally;
    let count = different.len();
    let mut report =
        format!("{bytes} equal in bytes, {objects} in objects only, {refused} refused by both, {count} different\n");
    let _ = writeln!(report, "all {time:?}, slowest {slowest:?}");
    println!("{report}");
    assert!(different.is_empty() && *bytes > 0, "{report}{}", different.join("\n"));
}

fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for path in std::fs::read_dir(next).expect("good").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else if let (Ok(name), Ok(data)) = (path.strip_prefix(folder), std::fs::read(&path)) {
                files.insert(name.to_string_lossy().into_owned(), data);
            }
        }
    }
    files
}

fn compare(helm: &str, folder: &Path, files: &BTreeMap<String, Vec<u8>>, case: Option<&str>, tally: &mut Tally) {
    let name = format!("{} {}", folder.file_name().unwrap_or_default().to_string_lossy(), case.unwrap_or("-"));
    let mut command = Command::new(helm);
    command.args(["template", "rel"]).arg(folder).args(["--namespace", "space", "--include-crds"]);
    if let Some(case) = case {
        command.arg("-f").arg(folder.join(case));
    }
    let output = command.output().expect("good");
    let theirs = String::from_utf8_lossy(&output.stdout).into_owned();
    let start = Instant::now();
    let ours = ours(files, case);
    let time = start.elapsed();
    tally.time += time;
    if time > tally.slowest.0 {
        tally.slowest = (time, name.clone());
    }
    match ours {
        Ok(ours) if output.status.success() && ours == theirs => tally.bytes += 1,
        Ok(ours) if output.status.success() => match difference(&theirs, &ours, &again(command)) {
            None => tally.objects += 1,
            Some(difference) => tally.different.push(format!("{name}: {difference}")),
        },
        Ok(_) => {
            tally.different.push(format!("{name}: only helm refuses: {}", String::from_utf8_lossy(&output.stderr)))
        }
        Err(_) if !output.status.success() => tally.refused += 1,
        Err(fault) => tally.different.push(format!("{name}: only we refuse: {fault}")),
    }
}

/// What Helm prints when it is asked once more: lines that differ then are random, and say nothing.
fn again(mut command: Command) -> String {
    String::from_utf8_lossy(&command.output().expect("good").stdout).into_owned()
}

fn ours(files: &BTreeMap<String, Vec<u8>>, case: Option<&str>) -> Result<String, RenderFault> {
    let chart = Chart::read(files)?;
    let mut request = RenderRequest::new("rel", "space");
    request.include_crds = true;
    if let Some(case) = case {
        request.values = values_file::read(&String::from_utf8_lossy(&files[case]))?;
    }
    Ok(helm::printed(&helm::render(&chart, &request)?))
}

/// The first object that is not the same, but for the lines in which Helm does not agree with itself.
fn difference(theirs: &str, ours: &str, again: &str) -> Option<String> {
    let objects = |text: &str| -> Result<Vec<String>, RenderFault> {
        let values = yaml::read_all(text, Numbers::Whole)?;
        values.iter().map(yaml::write).collect()
    };
    let (theirs, ours, again) = match (objects(theirs), objects(ours), objects(again)) {
        (Ok(theirs), Ok(ours), Ok(again)) => (theirs, ours, again),
        (theirs, ours, _) => return Some(format!("not read again: {:?} {:?}", theirs.err(), ours.err())),
    };
    if theirs.len() != ours.len() {
        return Some(format!("{} objects, not {}", ours.len(), theirs.len()));
    }
    for ((theirs, ours), again) in theirs.iter().zip(&ours).zip(&again) {
        let lines = theirs.lines().zip(ours.lines()).zip(again.lines());
        let first = lines.map(|((theirs, ours), again)| theirs == ours || theirs != again).position(|fits| !fits);
        let first = first.or((theirs.lines().count() != ours.lines().count()).then_some(0));
        if let Some(line) = first {
            let part =
                |text: &str| text.lines().skip(line.saturating_sub(2)).take(6).collect::<Vec<_>>().join("\n    ");
            return Some(format!("\n  helm:\n    {}\n  ours:\n    {}", part(theirs), part(ours)));
        }
    }
    None
}
