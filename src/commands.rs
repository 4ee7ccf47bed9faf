//! From a parsed command line to an exit status: the steps of each command, in order.

mod admin_bundle;
mod arguments;
mod diff;
mod dns_debug;
mod down;
mod draft;
mod env;
mod gc;
mod history;
mod interrupted;
mod list;
mod local;
mod logs;
mod man;
mod place;
mod reach;
mod render;
mod reports;
mod scc;
mod scripts;
mod serving;
mod smoke;
mod status;
mod target;
mod token;
mod up;
mod ways_out;

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::slice;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::cli::again::quoted;
use crate::cli::file::locate;
use crate::cli::scc::{SccArgs, SccCommand};
use crate::cli::{Cli, Command, GlobalArgs, OutputFormat, SmokeArgs, TargetName};
use crate::cluster::lock::{Holder, Locks};
use crate::cluster::{ClientArgs, Cluster, Gate, Link};
use crate::error::{CommandError, Result};
use crate::events::{Event, Events, What};
use crate::exit::ExitStatus;
use crate::hint::Way;
use crate::report::{self, DnsRun, EnvReport, Level, Reporter, Style};
use crate::smoke::{Proxies, Stop};
use reports::{Actions, Reports};

use arguments::CommandLine;
use interrupted::{Change, Winding, interrupted};

/// What every command gets besides its own arguments.
pub(crate) struct Context {
    /// Names this run in the user agent, in the inventory and in everything that smoke tests make.
    pub(crate) run_id: String,
    /// The name of this machine.
    pub(crate) host: String,
    /// On a cluster or on this machine.
    pub(crate) target: TargetName,
    /// Which cluster.
    pub(crate) client: ClientArgs,
    /// For the whole of a wait.
    pub(crate) timeout: Duration,
    /// The format of standard output.
    pub(crate) output: OutputFormat,
    /// The proxies that the process's variables name.
    pub(crate) proxies: Proxies,
    /// Everything is to be shown.
    pub(crate) verbose: bool,
    /// The command line, for the same with another flag.
    pub(crate) argv: Vec<OsString>,
    /// Asks smoke runs to take back what they made and to end.
    pub(crate) stop: Stop,
    /// Lets writes to the cluster through, until a signal closes it.
    pub(crate) gate: Gate,
    /// The locks that this run holds.
    pub(crate) locks: Locks,
    sender: mpsc::UnboundedSender<Event>,
}

impl Context {
    pub(crate) async fn connect(&self) -> Result<Cluster> {
        let link = Link::new(self.gate.clone(), self.timeout, &self.sender);
        let cluster = Cluster::connect(&self.client, &self.run_id, link).await?;
        let events = self.events("");
        for warning in &cluster.warnings {
            events.send(What::Warning(warning.clone()));
        }
        if let Some(plugin) = &cluster.plugin {
            events.send(What::Detail(format!("the kubeconfig has `{plugin}` run for credentials")));
        }
        Ok(cluster)
    }

    /// How this run signs the locks that it takes.
    pub(crate) fn holder(&self, user: Option<&str>) -> Holder {
        Holder::new(user, &self.host, &self.run_id)
    }

    pub(crate) fn events(&self, env: &str) -> Events {
        Events::new(env, self.sender.clone())
    }

    /// How another command is led to an environment; to none where its name is empty.
    pub(crate) fn way(&self, env: &str) -> Way {
        way(env, self.target, &self.client)
    }
}

/// What a command leaves behind.
pub(crate) struct Outcome {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// For standard output.
    pub(crate) text: String,
    /// For standard error, already formatted.
    pub(crate) problems: String,
    /// What became of each environment, for the files of `--report`.
    pub(crate) reports: Vec<EnvReport>,
    /// What became of names.
    pub(crate) dns: Option<DnsRun>,
}

impl Outcome {
    fn success(text: String) -> Self {
        Self { status: ExitStatus::Success, text, problems: String::new(), reports: Vec::new(), dns: None }
    }

    /// Says what is wrong, though the command has done what it was to do.
    fn warned(mut self, warning: &CommandError, colour: bool) -> Self {
        self.problems.push_str(&report::text::warning(warning, colour));
        self
    }
}

/// Runs the command line to its end.
pub fn main(argv: &[OsString]) -> ExitStatus {
    let CommandLine { cli, file, settings } = match arguments::read(argv) {
        Ok(read) => read,
        Err(ended) => return ended,
    };
    if matches!(cli.command, Command::DnsProbe) {
        let ended = crate::dns::probe::main();
        return if ended == std::process::ExitCode::SUCCESS { ExitStatus::Success } else { ExitStatus::Failure };
    }
    let output = cli.global.output;
    let colour = !cli.global.no_color && std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // One thread: the work waits for the network, and a second one costs more in waking each other than it gains.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let status = runtime.block_on(supervise(cli, argv, colour));
            // A name look-up that hangs must not keep the process.
            runtime.shutdown_timeout(Duration::ZERO);
            status
        }
        Err(error) => Err(CommandError::new(format!("cannot start: {error}")).hint("free some memory or threads")),
    };
    result.unwrap_or_else(|error| {
        let error = locate(error, &file, &settings);
        if output == OutputFormat::Json {
            // Where that fails, the exit status is the same.
            let _ = report::print(&report::json::error(&error));
        }
        report::print_error(&error, colour);
        ExitStatus::Error
    })
}

/// Runs one command beside its reporter and the signals that may end it.
async fn supervise(cli: Cli, argv: &[OsString], colour: bool) -> Result<ExitStatus> {
    if let Command::LocalSupervisor { directory } = cli.command {
        // It hears signals itself, and nobody reads what it would report.
        return local::supervise(directory).await.map(|()| ExitStatus::Success);
    }
    // One TLS implementation for the API server and for endpoints.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (sender, receiver) = mpsc::unbounded_channel();
    let context = context(&cli.global, argv, sender)?;
    let reports = Reports::prepare(&cli, github_actions())?;
    let many = matches!(&cli.command, Command::Up(up) if up.envs.envs.len() > 1)
        || matches!(&cli.command, Command::Down(down) if down.envs.len() > 1);
    let level = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Verbose,
        _ => Level::Normal,
    };
    let way = match &cli.command {
        Command::Smoke(SmokeArgs { endpoint: Some(url), .. }) => smoke::way(url),
        command => way(&envs(command).join(","), context.target, &context.client),
    };
    let change = Change::of(&cli.command, context.target);
    let reporter = Reporter::start(receiver, Style { level, many });
    let winding = Winding { stop: context.stop.clone(), gate: context.gate.clone(), locks: context.locks.clone() };
    let mut work = Box::pin(execute(cli.command, context, colour));
    let outcome = tokio::select! {
        outcome = &mut work => outcome,
        ended = ended_by_signal() => {
            let tidied = winding.down(work).await;
            let told = reporter.finish().await;
            let error = tidied.explain(interrupted(ended, change.as_ref(), told.writes)).pasteable(&way);
            report::print_error(&error, colour);
            return Ok(reports.write(&[], None, Some(&error), colour).max(ended));
        }
    };
    drop(work);
    winding.locks.release().await;
    let told = reporter.finish().await;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            let error = error.pasteable(&way);
            reports.write(&[], None, Some(&error), colour);
            return Err(error);
        }
    };
    let printed = report::print(&outcome.text);
    report::print_problems(&outcome.problems);
    let written = reports.write(&outcome.reports, outcome.dns.as_ref(), None, colour).max(outcome.status);
    told.print_advice();
    printed.map(|_| written)
}

async fn execute(command: Command, context: Context, colour: bool) -> Result<Outcome> {
    if context.target == TargetName::Local {
        return Box::pin(local::execute(command, context, colour)).await;
    }
    match command {
        Command::Up(args) => up::run(&args, context, colour).await,
        Command::Down(args) => down::run(&args, context, colour).await,
        Command::Status(args) => Box::pin(status::run(&args, context, colour)).await,
        Command::List(args) => list::run(&args, context).await,
        Command::Render(args) => render::run(&args, context).await,
        Command::Diff(args) => diff::run(&args, context, colour).await,
        Command::Smoke(args) => Box::pin(smoke::run(&args, context, colour)).await,
        Command::Env(args) => env::run(&args, context, colour).await,
        Command::Gc => gc::run(context, colour).await,
        Command::History(args) => history::run(&args, context).await,
        Command::AdminBundle(args) => admin_bundle::run(&args, context).await,
        Command::Scc(args) => scc::run(&args, context).await,
        Command::Logs(args) => logs::run(&args, context).await,
        Command::DnsDebug(args) => dns_debug::run(&args, context, colour).await,
        Command::Completions { shell } => Ok(Outcome::success(completions(shell))),
        Command::Man { command } => man(command.as_deref()),
        Command::LocalSupervisor { .. } | Command::DnsProbe => Ok(Outcome::success(String::new())),
    }
}

fn context(global: &GlobalArgs, argv: &[OsString], sender: mpsc::UnboundedSender<Event>) -> Result<Context> {
    let timeout = parse_timeout(&global.timeout)?;
    Ok(Context {
        run_id: run_id(),
        host: std::fs::read_to_string("/proc/sys/kernel/hostname")
            .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned()),
        target: global.target,
        client: ClientArgs {
            kubeconfig: global.kubeconfig.clone(),
            context: global.context.clone(),
            has_variable: std::env::var_os("KUBECONFIG").is_some_and(|names| !names.is_empty()),
            patience: timeout,
            proxies: Proxies::from_variables(variable),
        },
        timeout,
        output: global.output,
        proxies: Proxies::from_variables(variable),
        verbose: global.verbose,
        argv: argv.to_vec(),
        stop: Stop::default(),
        gate: Gate::default(),
        locks: Locks::default(),
        sender,
    })
}

/// The environments that a command names.
fn envs(command: &Command) -> &[String] {
    match command {
        Command::Up(args) => &args.envs.envs,
        Command::Down(args) => &args.envs,
        Command::Smoke(args) => &args.env,
        Command::Status(args) => slice::from_ref(&args.env.env),
        Command::Render(args) => args.env.env.as_slice(),
        Command::Env(args) => slice::from_ref(&args.env.env),
        Command::Logs(args) => slice::from_ref(&args.env.env),
        Command::History(args) => slice::from_ref(&args.env),
        Command::Diff(args) => slice::from_ref(&args.env.env),
        Command::AdminBundle(args) => slice::from_ref(&args.env.env),
        Command::Scc(SccArgs { command: SccCommand::Explain(args) }) => slice::from_ref(&args.env.env),
        _ => &[],
    }
}

/// How a command is led to environments.
fn way(envs: &str, target: TargetName, client: &ClientArgs) -> Way {
    let given = |flag: &str, value: Option<&OsStr>| value.map(|value| format!("{flag} {}", quoted(value)));
    let env = given("--env", Some(OsStr::new(envs)).filter(|envs| !envs.is_empty()));
    let local = (target == TargetName::Local).then(|| "--target local".to_owned());
    let kubeconfig = given("--kubeconfig", client.kubeconfig.as_deref().map(Path::as_os_str));
    let context = given("--context", client.context.as_deref().map(OsStr::new));
    Way { to_env: env.into_iter().chain(local).collect(), to_cluster: kubeconfig.into_iter().chain(context).collect() }
}

/// Unique among runs that somebody might compare: milliseconds and the process, in hexadecimal.
fn run_id() -> String {
    format!("{:x}{:04x}", jiff::Timestamp::now().as_millisecond(), std::process::id() & 0xffff)
}

fn parse_timeout(text: &str) -> Result<Duration> {
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        CommandError::new(format!("--timeout cannot be `{}`", text.escape_default())).hint("use e.g. 90s, 5m or 1h")
    })
}

fn completions(shell: clap_complete::Shell) -> String {
    use clap::CommandFactory as _;
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut shown(&Cli::command()), "lsdeploy", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn man(command: Option<&str>) -> Result<Outcome> {
    use clap::CommandFactory as _;
    man::page(shown(&Cli::command()), command).map(Outcome::success)
}

/// The command line without what is hidden: nobody is to complete that.
fn shown(all: &clap::Command) -> clap::Command {
    let commands = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let arguments = all.get_arguments().cloned();
    clap::Command::new("lsdeploy")
        .version(env!("CARGO_PKG_VERSION"))
        .about(all.get_about().cloned().unwrap_or_default())
        .long_about(all.get_long_about().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .args(arguments)
        .subcommands(commands)
}

/// A variable of the process; none where it is no text.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What GitHub Actions tells its steps; nothing elsewhere.
fn github_actions() -> Option<Actions> {
    let summary = || std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from);
    (std::env::var_os("GITHUB_ACTIONS")? == "true").then(|| Actions { summary: summary() })
}

async fn ended_by_signal() -> ExitStatus {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => ExitStatus::Interrupted,
        _ = terminate.recv() => ExitStatus::Terminated,
    }
}
