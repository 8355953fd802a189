//! The arguments of every command.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::address::Address;
use crate::kind::duration;

/// Keeps a whole multi-region platform the way one TOML file says it should be.
#[derive(Debug, Parser)]
#[command(name = "atlas", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "The usual round: edit atlas.toml, then `atlas plan`, then `atlas apply`.")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The spec
    #[arg(short, long, global = true, value_name = "FILE", default_value = "atlas.toml")]
    pub file: PathBuf,
    /// The environment; the spec's own default otherwise
    #[arg(short, long, global = true, value_name = "ENVIRONMENT")]
    pub environment: Option<String>,
    /// The value of a variable; ATLAS_VAR_NAME does the same
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = pair)]
    pub var: Vec<(String, String)>,
    /// Print JSON, as docs/reference/json.md describes it
    #[arg(long, global = true)]
    pub json: bool,
    /// No colour; NO_COLOR does the same
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Only what matters
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more about what happens inside; twice for all of it
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a small spec to begin with
    Init,
    /// Check the spec and say everything that is wrong with it
    Validate,
    /// Show what apply would do
    Plan(PlanArgs),
    /// Make the world as the spec says
    Apply(ApplyArgs),
    /// Delete everything that Atlas made
    Destroy(DestroyArgs),
    /// Show only what moved behind Atlas's back
    Drift,
    /// Show every resource and how it is
    Status,
    /// Show all that is known of one resource
    Show {
        /// The address: kind.name or kind.name@place
        #[arg(value_parser = Address::parse)]
        address: Address,
    },
    /// Show what needs what
    Graph {
        /// How to write it
        #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
        format: GraphFormat,
    },
    /// Show the runs before, or the plan of one of them
    History {
        /// The number of a run: its plan is shown
        number: Option<usize>,
    },
    /// Keep the world as it was last applied, again and again
    Reconcile(ReconcileArgs),
    /// Tell the loop to leave a resource alone, or everything
    Suspend(SuspendArgs),
    /// Tell the loop to take care again of what was suspended
    Resume {
        /// What was suspended; everything when left out
        #[arg(value_parser = Address::parse)]
        address: Option<Address>,
    },
    /// Show what the container of a resource writes
    Logs(LogsArgs),
    /// Run a command in the container of a resource
    Exec(ExecArgs),
    /// Take over an object that exists already
    Adopt(AdoptArgs),
    /// Let go of an object, which stays
    Forget(OneArgs),
    /// Write the blocks of a spec from a compose file, and say what could not be taken
    Import(ImportArgs),
    /// Print the objects of a chart, or of an app of the spec, as `helm template` does
    Render(RenderArgs),
    /// Pin the charts that the spec takes from repositories and registries
    Lock(LockArgs),
    /// Print the JSON Schema of the spec, for editors
    Schema,
    /// Explain a kind and its attributes, or what an error means
    Explain {
        /// The kind, or the code of an error or a warning, such as A0102; all kinds in short when left out
        #[arg(value_name = "KIND|CODE")]
        name: Option<String>,
    },
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Play the simulated world behind Atlas's back
    #[command(subcommand)]
    Sandbox(SandboxCommand),
}

/// Whose output, and how much of it.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The address of a container, of a LocalStack region, or of a cluster: its first server
    #[arg(value_parser = Address::parse)]
    pub address: Address,
    /// The spec
    // The same option as everywhere, without its short form: here `-f` follows, as it does in every other tool.
    #[arg(long, value_name = "FILE", default_value = "atlas.toml", help_heading = "Options of every command")]
    pub file: PathBuf,
    /// Go on with what comes, until it ends
    #[arg(long, short)]
    pub follow: bool,
    /// Only the last lines
    #[arg(long, value_name = "LINES")]
    pub tail: Option<usize>,
}

/// Which command, and where.
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// The address of a container, of a LocalStack region, or of a cluster: its first server
    #[arg(value_parser = Address::parse)]
    pub address: Address,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}

/// How to write a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz
    Dot,
    /// A Mermaid flowchart
    Mermaid,
    /// Nodes and edges
    Json,
}

/// Which part of a plan.
#[derive(Clone, Debug, Default, Args)]
pub struct Selection {
    /// Only this, and what it needs
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub target: Vec<Address>,
    /// All but this, and what needs it
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub exclude: Vec<Address>,
}

/// What `plan` takes.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Write the plan to a file, for `atlas apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 2 when there are changes, with 4 when something is unknown or blocked and nothing else
    #[arg(long)]
    pub detailed_exitcode: bool,
    #[command(flatten)]
    pub selection: Selection,
    /// Replace this, whether it differs or not
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub replace: Vec<Address>,
    /// Plan to delete everything
    #[arg(long)]
    pub destroy: bool,
}

/// How to carry out a plan.
#[derive(Clone, Debug, Args)]
pub struct Carrying {
    /// Don't ask
    #[arg(short, long)]
    pub yes: bool,
    /// How many steps may run at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub parallelism: u16,
    /// Allow the data of this resource to be lost
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub allow_loss: Vec<Address>,
}

/// What `apply` takes.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan that `atlas plan --out` wrote
    #[arg(value_name = "PLAN", conflicts_with_all = ["target", "exclude", "replace"])]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    pub carrying: Carrying,
    #[command(flatten)]
    pub selection: Selection,
    /// Replace this, whether it differs or not
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub replace: Vec<Address>,
}

/// What `destroy` takes.
#[derive(Debug, Args)]
pub struct DestroyArgs {
    #[command(flatten)]
    pub carrying: Carrying,
    #[command(flatten)]
    pub selection: Selection,
}

/// What `reconcile` takes.
#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// Make one pass and end; exit with 3 when something still differs
    #[arg(long)]
    pub once: bool,
    /// From one pass to the next, such as 30s; otherwise as `[reconcile]` says
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub interval: Option<Duration>,
    /// What the loop does; otherwise as `[reconcile]` says
    #[arg(long, value_enum)]
    pub mode: Option<Mode>,
    /// Serve metrics for Prometheus at this address, such as 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
    /// How many steps may run at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub parallelism: u16,
}

/// What the loop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Repair drift back to what was last applied
    Heal,
    /// Do that, and apply changes of the spec
    Apply,
    /// Only report
    Observe,
}

/// What `suspend` takes.
#[derive(Debug, Args)]
pub struct SuspendArgs {
    /// The resource, with all of its places and what lives in it; everything when left out
    #[arg(value_parser = Address::parse)]
    pub address: Option<Address>,
    /// Why, for whoever finds it suspended
    #[arg(long)]
    pub reason: String,
    /// For how long, such as 2h or 7d
    #[arg(long = "for", value_name = "TIME", default_value = "24h", value_parser = time)]
    pub time: Duration,
}

/// What `adopt` takes.
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// The address: kind.name or kind.name@place
    #[arg(value_parser = Address::parse, required_unless_present = "all_in")]
    pub address: Option<Address>,
    /// Everything that is nobody's in a region, such as region.us-east-1, or on the container engine: engine. Its blocks are printed
    #[arg(long, value_name = "HOST", conflicts_with = "address", value_parser = adopted_host)]
    pub all_in: Option<AdoptedHost>,
    /// Only what is called so: `*` stands for anything
    #[arg(long, value_name = "NAME", requires = "all_in")]
    pub named: Vec<String>,
    /// Add the blocks to the spec, and take over what they say
    #[arg(long, requires = "all_in")]
    pub write: bool,
    /// Don't ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Where everything is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdoptedHost {
    /// A region.
    Region(Address),
    /// The container engines that the spec names, and the usual one.
    Engines,
}

fn adopted_host(text: &str) -> Result<AdoptedHost, String> {
    if text == "engine" {
        return Ok(AdoptedHost::Engines);
    }
    match Address::parse(text) {
        Ok(address) if address.kind() == "region" => Ok(AdoptedHost::Region(address)),
        _ => Err("it is a region's address, such as region.us-east-1, or the word engine".into()),
    }
}

/// What `import` takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The compose file; a `.env` beside it counts as well
    #[arg(value_name = "COMPOSE_FILE")]
    pub compose: PathBuf,
    /// The project's name; otherwise COMPOSE_PROJECT_NAME, what the file says, or its folder
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Write a new spec
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    pub out: Option<PathBuf>,
    /// Add the blocks to the spec; where there is none, begin one
    #[arg(long)]
    pub write: bool,
}

/// What `render` takes.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// A chart's folder or archive, or an app of the spec: app.NAME@CLUSTER
    #[arg(value_name = "CHART|ADDRESS")]
    pub chart: String,
    /// A file of values, over those before it; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub values: Vec<PathBuf>,
    /// Set a value: image.tag=2,ports[0]=80
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Set a value that is text, whatever it looks like
    #[arg(long, value_name = "KEY=TEXT")]
    pub set_string: Vec<String>,
    /// Set a value to JSON
    #[arg(long, value_name = "KEY=JSON")]
    pub set_json: Vec<String>,
    /// Set a value to what a file has
    #[arg(long, value_name = "KEY=FILE")]
    pub set_file: Vec<String>,
    /// The release's name
    #[arg(long, value_name = "NAME")]
    pub release: Option<String>,
    /// The namespace
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The version of Kubernetes that the chart is told
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<String>,
    /// A version of an API that the cluster has besides the usual ones: example.com/v1
    #[arg(long, value_name = "API")]
    pub api_versions: Vec<String>,
    /// Print what lies in the chart's folder crds too
    #[arg(long)]
    pub include_crds: bool,
}

/// What `lock` takes.
#[derive(Debug, Args)]
pub struct LockArgs {
    /// Take the newest versions that will do, also of what is locked already
    #[arg(long)]
    pub upgrade: bool,
}

/// What `forget` takes.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// The address: kind.name or kind.name@place
    #[arg(value_parser = Address::parse)]
    pub address: Address,
    /// Don't ask
    #[arg(short, long)]
    pub yes: bool,
}

/// What to do to the simulated world.
#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Delete an object, with everything that lives in it
    Delete {
        /// The address of its resource
        #[arg(value_parser = Address::parse)]
        address: Address,
    },
    /// Change an attribute, or a counter such as objects=3
    Set {
        /// The address of its resource
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// What to change
        #[arg(value_name = "ATTRIBUTE=VALUE", value_parser = pair)]
        change: (String, String),
    },
    /// Let a region or a cluster stop answering
    Outage {
        /// A region's name, or an address
        host: String,
        /// Let it answer again
        #[arg(long)]
        end: bool,
    },
    /// Let the next calls for a resource fail
    Fail {
        /// The address of the resource
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// How: transient, throttled, conflict, denied, invalid or unreachable
        class: String,
        /// How many calls
        #[arg(long, default_value_t = 1)]
        times: u32,
    },
    /// Let every call take this long
    Latency {
        /// In milliseconds
        milliseconds: u64,
    },
    /// Delete the whole simulated world
    Reset {
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// Reads a time such as `30s` or `2h`.
fn time(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(0) => Err("it is longer than nothing".into()),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(fault) => Err(fault.reason),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::{Cli, Command};

    #[test]
    fn the_short_option_of_logs_follows_and_the_spec_can_still_be_named() {
        Cli::command().debug_assert();
        for (words, file, follows) in [
            (&["atlas", "logs", "container.a", "-f"][..], "atlas.toml", true),
            (&["atlas", "-f", "other.toml", "logs", "container.a"], "other.toml", false),
            (&["atlas", "-f", "other.toml", "logs", "-f", "container.a"], "other.toml", true),
            (&["atlas", "logs", "container.a", "--file", "other.toml", "-f"], "other.toml", true),
        ] {
            let cli = Cli::try_parse_from(words).expect("good words");
            let Command::Logs(args) = &cli.command else { panic!("{words:?}") };
            assert_eq!((cli.global.file.to_str(), args.follow), (Some(file), follows), "{words:?}");
        }
    }
}
