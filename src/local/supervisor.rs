//! The process that an environment is while it runs: keeps the emulator running, and routes to it. Starts processes,
//! listens on loopback, writes what it sees into the environment's directory.
//!
//! It ends on SIGTERM, and when its directory is gone; the emulator ends with it, however it ends.

mod emulator;
mod stop;

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::future::pending;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use self::emulator::Running;
use self::stop::{End, Stop, meanwhile};
use super::health;
use super::launch::{self, Emulator, Launch, Program};
use super::life::{Life, Stage};
use super::processes::Process;
use super::router::hosts::Hosts;
use super::router::{self, Router};
use super::state::Home;
use crate::environment::EnvName;
use crate::error::{CommandError, Result};

/// First and longest pause before an emulator that ended is started again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// So many ends in a row are a loop.
const LOOP: u32 = 3;

/// Whoever ran so long has overcome what ended it before.
const STEADY: Duration = Duration::from_mins(1);

/// A log longer than this is put aside at the next start, in bytes.
const LONGEST_LOG: u64 = 16 * 1024 * 1024;

/// Runs until it is told to end. `passed_on` are the variables of this machine that the emulator gets.
pub async fn run(directory: PathBuf, passed_on: Vec<(String, OsString)>) -> Result<()> {
    // Fails only where it has a session of its own already.
    let _ = rustix::process::setsid();
    let mut stop = Stop::listen()?;
    let env = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let home = Home { env, directory };
    let launch = Launch::of(&home)?.ok_or_else(|| {
        CommandError::new(format!("{} does not say what is to run", home.directory.display()))
            .hint("this is lsdeploy's own subcommand: `lsdeploy up --env ENV --target local` starts it")
    })?;
    let hosts = Hosts::new(EnvName::parse(&launch.env)?, launch.services.clone(), launch.port);
    let life = Life {
        supervisor: Process::own()?,
        emulator: None,
        address: None,
        stage: Stage::Starting,
        restarts: 0,
        last_end: None,
    };
    let journal = Journal(launch::append(&home.supervisor_log())?);
    let mut nurse = Nurse { home, launch, life, router: Router::new(hosts), journal, passed_on };
    let served = nurse.listen().await?;
    nurse.work(&mut stop).await;
    nurse.journal.say("ends");
    nurse.home.forget_life();
    drop(served);
    Ok(())
}

/// Looks after the emulator of one environment.
struct Nurse {
    home: Home,
    launch: Launch,
    life: Life,
    router: Arc<Router>,
    journal: Journal,
    passed_on: Vec<(String, OsString)>,
}

impl Nurse {
    /// Takes the router's port; from then on this environment is said to be there.
    async fn listen(&mut self) -> Result<JoinSet<()>> {
        let port = self.launch.port;
        match router::listen(port).await {
            Ok(listeners) => {
                self.journal.say(&format!("routes {} on port {port}", self.launch.env));
                self.home.write_life(&self.life)?;
                Ok(listeners.into_iter().map(|listener| Arc::clone(&self.router).serve(listener)).collect())
            }
            Err(error) => {
                let why = format!("cannot listen on port {port}: {error}");
                self.life.stage = Stage::Failed(why.clone());
                self.home.write_life(&self.life)?;
                Err(CommandError::new(why))
            }
        }
    }

    async fn work(&mut self, stop: &mut Stop) {
        match self.launch.emulator.clone() {
            Emulator::Given(address) => {
                self.life.address = Some(address.clone());
                self.lead_to(&address);
                stop.asked(&self.home.directory).await;
            }
            Emulator::Managed(program) => self.keep_running(&program, stop).await,
        }
    }

    async fn keep_running(&mut self, program: &Program, stop: &mut Stop) {
        put_aside(&self.home.emulator_log());
        let mut ends = 0;
        loop {
            let began = Instant::now();
            let Some(why) = self.run_once(program, stop).await else { return };
            ends = if began.elapsed() > STEADY { 1 } else { ends + 1 };
            self.went_away(program, &why, ends);
            let pause = PAUSE.0.saturating_mul(1 << (ends - 1).min(16)).min(PAUSE.1);
            if timeout(pause, stop.asked(&self.home.directory)).await.is_ok() {
                return;
            }
            self.life.restarts += 1;
        }
    }

    /// Runs the emulator to its end and says how it ended; `None` when it was told to end.
    async fn run_once(&mut self, program: &Program, stop: &mut Stop) -> Option<String> {
        let started = free_port().and_then(|port| {
            let running = Running::start(program, port, &self.home, &self.passed_on)?;
            Ok((running, port))
        });
        let (mut running, port) = match started {
            Ok(started) => started,
            Err(error) => return Some(format!("no start: {error}")),
        };
        let address = format!("127.0.0.1:{port}");
        self.journal.say(&format!("started {} as process {} on {address}", program.title, running.pid()));
        self.life.emulator = Process::of(running.pid());
        self.life.address = Some(address.clone());
        self.tell();
        let Err(end) = self.attend(program, port, &mut running, stop).await;
        match end {
            End::Ended(why) => Some(why),
            End::Unfit(why) => {
                running.end().await;
                Some(why)
            }
            End::Told => {
                self.router.lead_to(router::Emulator::Away("it is being ended".to_owned()));
                running.end().await;
                None
            }
        }
    }

    /// Brings an emulator from its start to serving, and stays with it until that ends.
    async fn attend(
        &mut self,
        program: &Program,
        port: u16,
        running: &mut Running,
        stop: &mut Stop,
    ) -> std::result::Result<Infallible, End> {
        let directory = self.home.directory.clone();
        let address = format!("127.0.0.1:{port}");
        meanwhile(running, stop, &directory, until_healthy(&address, &self.launch.health)).await?;
        let after = Running::after_start(program, port, &self.home, &self.passed_on);
        if let Err(why) = meanwhile(running, stop, &directory, after).await? {
            return Err(End::Unfit(format!("a failure of what is run after its start: {why}")));
        }
        if let Some(init) = &program.init {
            self.stands(Stage::Filling, "the scripts of --init run");
            let filled = init.run(program, port, &self.home, &self.passed_on);
            if let Err(why) = meanwhile(running, stop, &directory, filled).await? {
                self.stands(Stage::InitFailed(why.clone()), &format!("a script of --init failed: {why}"));
                return meanwhile(running, stop, &directory, pending()).await;
            }
        }
        self.lead_to(&address);
        meanwhile(running, stop, &directory, pending()).await
    }

    /// It answers, and clients are not led to it.
    fn stands(&mut self, stage: Stage, why: &str) {
        self.journal.say(why);
        self.router.lead_to(router::Emulator::Away(why.to_owned()));
        self.life.stage = stage;
        self.tell();
    }

    fn lead_to(&mut self, address: &str) {
        self.journal.say(&format!("{address} answers"));
        self.router.lead_to(router::Emulator::At(address.to_owned()));
        self.life.stage = Stage::Ready;
        self.tell();
    }

    fn went_away(&mut self, program: &Program, why: &str, ends: u32) {
        self.journal.say(&format!("{} ended with {why}", program.title));
        self.router.lead_to(router::Emulator::Away(format!("it ended with {why} and is started again")));
        self.life.emulator = None;
        self.life.address = None;
        self.life.last_end = Some(why.to_owned());
        self.life.stage = if ends >= LOOP { Stage::CrashLoop } else { Stage::Starting };
        self.tell();
    }

    /// A disk that is full must not end what runs.
    fn tell(&mut self) {
        if let Err(error) = self.home.write_life(&self.life) {
            self.journal.say(&error.message);
        }
    }
}

/// The supervisor's log: a line per event.
struct Journal(File);

impl Journal {
    fn say(&mut self, text: &str) {
        let _ = writeln!(self.0, "{:.0} {text}", jiff::Timestamp::now());
    }
}

async fn until_healthy(address: &str, path: &str) {
    let mut looks = interval(Duration::from_millis(100));
    loop {
        looks.tick().await;
        if health::check(address, path).await.is_ok() {
            return;
        }
    }
}

/// A port that nobody has. Whoever takes it first in the next moments ends the emulator, which is then started on another.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn put_aside(log: &Path) {
    if std::fs::metadata(log).is_ok_and(|data| data.len() > LONGEST_LOG) {
        let _ = std::fs::rename(log, log.with_extension("log.1"));
    }
}
