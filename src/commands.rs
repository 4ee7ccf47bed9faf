//! From a parsed command line to an exit status: the steps of each command, in order.

mod arguments;
mod down;
mod env;
mod list;
mod local;
mod logs;
mod reach;
mod render;
mod reports;
mod scripts;
mod serving;
mod smoke;
mod status;
mod target;
mod up;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::cli::file::locate;
use crate::cli::{Cli, Command, GlobalArgs, OutputFormat, TargetName};
use crate::cluster::{ClientArgs, Cluster};
use crate::error::{CommandError, Result};
use crate::events::{Event, Events};
use crate::exit::ExitStatus;
use crate::report::{self, EnvReport, Level, Reporter, Style};
use crate::smoke::{Proxies, Stop};
use reports::{Actions, Reports};

/// How long smoke tests may take to tidy up after a signal.
const TIDY: Duration = Duration::from_secs(5);

use arguments::CommandLine;

/// What every command gets besides its own arguments.
pub(crate) struct Context {
    /// Names this run in the user agent, in the inventory and in everything that smoke tests make.
    pub(crate) run_id: String,
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
    /// Asks smoke runs to take back what they made and to end.
    pub(crate) stop: Stop,
    sender: mpsc::UnboundedSender<Event>,
}

impl Context {
    pub(crate) async fn connect(&self) -> Result<Cluster> {
        Cluster::connect(&self.client, &self.run_id).await
    }

    pub(crate) fn events(&self, env: &str) -> Events {
        Events::new(env, self.sender.clone())
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
}

impl Outcome {
    fn success(text: String) -> Self {
        Self { status: ExitStatus::Success, text, problems: String::new(), reports: Vec::new() }
    }
}

/// Runs the command line to its end.
pub fn main(argv: &[OsString]) -> ExitStatus {
    let CommandLine { cli, file, settings } = match arguments::read(argv) {
        Ok(read) => read,
        Err(ended) => return ended,
    };
    let output = cli.global.output;
    let colour = !cli.global.no_color && std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // One thread: the work waits for the network, and a second one costs more in waking each other than it gains.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let status = runtime.block_on(supervise(cli, colour));
            // A name look-up that hangs must not keep the process.
            runtime.shutdown_timeout(Duration::ZERO);
            status
        }
        Err(error) => Err(CommandError::new(format!("cannot start: {error}")).hint("free some memory or threads")),
    };
    result.unwrap_or_else(|error| {
        let error = locate(error, &file, &settings);
        if output == OutputFormat::Json {
            report::print(&report::json::error(&error));
        }
        report::print_error(&error, colour);
        ExitStatus::Error
    })
}

/// Runs one command beside its reporter and the signals that may end it.
async fn supervise(cli: Cli, colour: bool) -> Result<ExitStatus> {
    if let Command::LocalSupervisor { directory } = cli.command {
        // It hears signals itself, and nobody reads what it would report.
        return local::supervise(directory).await.map(|()| ExitStatus::Success);
    }
    // One TLS implementation for the API server and for endpoints.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (sender, receiver) = mpsc::unbounded_channel();
    let context = context(&cli.global, sender)?;
    let reports = Reports::prepare(&cli, github_actions())?;
    let many = matches!(&cli.command, Command::Up(args) if args.envs.envs.len() > 1)
        || matches!(&cli.command, Command::Down(args) if args.envs.len() > 1);
    let level = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Verbose,
        _ => Level::Normal,
    };
    let writes = matches!(cli.command, Command::Up(_) | Command::Down(_));
    let reporter = Reporter::start(receiver, Style { level, many });
    let stop = context.stop.clone();
    let mut work = Box::pin(execute(cli.command, context, colour));
    let outcome = tokio::select! {
        outcome = &mut work => outcome,
        ended = ended_by_signal() => {
            let tidied = wind_down(&stop, work).await;
            let written = reporter.finish().await;
            let error = tidied.explain(interrupted(ended, writes.then_some(written)));
            report::print_error(&error, colour);
            return Ok(reports.write(&[], Some(&error), colour).max(ended));
        }
    };
    drop(work);
    reporter.finish().await;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            reports.write(&[], Some(&error), colour);
            return Err(error);
        }
    };
    report::print(&outcome.text);
    report::print_problems(&outcome.problems);
    Ok(reports.write(&outcome.reports, None, colour).max(outcome.status))
}

/// What became of the smoke runs that a signal ended.
enum Tidied {
    /// There were none.
    Nothing,
    /// They took back what they had made, but for these.
    But(Vec<String>),
    /// They were not done in time, or a second signal came.
    Cut,
}

/// Has smoke runs take back what they made; ends with them, with the next signal, or when it takes too long.
async fn wind_down(stop: &Stop, work: impl Future<Output = Result<Outcome>>) -> Tidied {
    if !stop.is_running() {
        return Tidied::Nothing;
    }
    stop.ask();
    tokio::select! {
        ended = tokio::time::timeout(TIDY, work) => match ended {
            Ok(_) => Tidied::But(stop.left()),
            Err(_) => Tidied::Cut,
        },
        _ = ended_by_signal() => Tidied::Cut,
    }
}

impl Tidied {
    fn explain(self, mut error: CommandError) -> CommandError {
        let clean = "`lsdeploy smoke --clean` with the same flags removes what smoke tests left";
        match self {
            Self::Nothing => error,
            Self::But(left) if left.is_empty() => {
                error.message.push_str("; the smoke tests took back what they had made");
                error
            }
            Self::But(left) => {
                error.message = format!("{}; smoke tests left {}", error.message, left.join(", "));
                error.hint(clean)
            }
            Self::Cut => {
                error.message.push_str("; the smoke tests were cut off");
                error.hint(clean)
            }
        }
    }
}

async fn execute(command: Command, context: Context, colour: bool) -> Result<Outcome> {
    if context.target == TargetName::Local {
        return Box::pin(local::execute(command, context, colour)).await;
    }
    match command {
        Command::Up(args) => up::run(&args, context, colour).await,
        Command::Down(args) => down::run(&args, context, colour).await,
        Command::Status(args) => status::run(&args, context, colour).await,
        Command::List => list::run(context).await,
        Command::Render(args) => render::run(&args, context).await,
        Command::Smoke(args) => smoke::run(&args, context, colour).await,
        Command::Env(args) => env::run(&args, context).await,
        Command::Logs(args) => logs::run(&args, context).await,
        Command::Completions { shell } => Ok(Outcome::success(completions(shell))),
        Command::LocalSupervisor { .. } => Ok(Outcome::success(String::new())),
    }
}

fn context(global: &GlobalArgs, sender: mpsc::UnboundedSender<Event>) -> Result<Context> {
    Ok(Context {
        run_id: run_id(),
        target: global.target,
        client: ClientArgs { kubeconfig: global.kubeconfig.clone(), context: global.context.clone() },
        timeout: parse_timeout(&global.timeout)?,
        output: global.output,
        proxies: Proxies::from_variables(|name| std::env::var(name).ok()),
        stop: Stop::default(),
        sender,
    })
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
    clap_complete::generate(shell, &mut Cli::command(), "lsdeploy", &mut text);
    String::from_utf8_lossy(&text).into_owned()
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

/// `written` is `None` for commands that only look.
fn interrupted(ended: ExitStatus, written: Option<usize>) -> CommandError {
    let signal = if ended == ExitStatus::Interrupted { "SIGINT" } else { "SIGTERM" };
    let Some(written) = written else { return CommandError::new(format!("ended by {signal}")) };
    let done = match written {
        0 => "nothing was written".to_owned(),
        1 => "1 object was written or deleted before".to_owned(),
        many => format!("{many} objects were written or deleted before"),
    };
    CommandError::new(format!("ended by {signal}: {done}"))
        .hint("run the same command again to go on, or `lsdeploy down` to remove what is there")
}
