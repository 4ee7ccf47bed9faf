//! One member: a process that holds the namespaces, and the files below `/etc` and `/run` that it sees.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The first process of a member. Its number outside is what the others enter by; it ends with its standard input.
const HOLDER: &str = r#"
read -r pid rest </proc/self/stat
mount --bind /etc "$1/machine" && mount --bind "$1/etc" /etc && mount --bind "$1/run" /run && mount -t proc proc /proc &&
echo "$2" >/proc/sys/kernel/hostname && echo "$pid" && exec cat >/dev/null
"#;

/// What programs need of the machine's `/etc`, beside what a test writes.
const BORROWED: [&str; 10] = [
    "passwd",
    "group",
    "services",
    "protocols",
    "ld.so.cache",
    "ld.so.conf",
    "alternatives",
    "ssl",
    "localtime",
    "dbus-1",
];

/// Programs that only this member has.
const OWN_PROGRAMS: &str = "/run/own";

const NSSWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n";

/// A machine of the world.
pub(crate) struct Member {
    pub(crate) name: String,
    /// The holder's process number, as the test sees it.
    pub(super) pid: u32,
    pub(super) directory: PathBuf,
    holder: Child,
}

/// A member that is coming up.
pub(super) struct Starting {
    name: String,
    directory: PathBuf,
    holder: Child,
}

impl Starting {
    /// Lays out the files of a member and starts its holder.
    pub(super) fn new(name: &str, world: &Path) -> Self {
        Self::with(name, world, &["--net"], &[])
    }

    /// The same in the network of another member, as a pod with `hostNetwork`.
    pub(super) fn beside(name: &str, world: &Path, other: u32) -> Self {
        let pid = other.to_string();
        Self::with(name, world, &[], &["nsenter", "--target", &pid, "--net", "--"])
    }

    fn with(name: &str, world: &Path, network: &[&str], inside: &[&str]) -> Self {
        let directory = world.join(name);
        for part in ["etc", "run/named", "run/dbus", "machine", "log"] {
            fs::create_dir_all(directory.join(part)).unwrap();
        }
        for borrowed in BORROWED {
            std::os::unix::fs::symlink(directory.join("machine").join(borrowed), directory.join("etc").join(borrowed))
                .unwrap();
        }
        fs::write(directory.join("etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n").unwrap();
        fs::write(directory.join("etc/nsswitch.conf"), NSSWITCH).unwrap();
        let own = ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--uts"];
        let holder = ["sh", "-c", HOLDER, "holder"];
        let words = [inside, &own, network, &holder].concat();
        let mut command = Command::new(words[0]);
        let holder = command
            .args(&words[1..])
            .arg(&directory)
            .arg(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { name: name.to_owned(), directory, holder }
    }

    /// Waits until the namespaces stand.
    pub(super) fn wait(mut self) -> Member {
        let mut line = String::new();
        BufReader::new(self.holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pid = line.trim().parse().unwrap_or_else(|error| panic!("member `{}` did not start: {error}", self.name));
        Member { name: self.name, pid, directory: self.directory, holder: self.holder }
    }
}

impl Member {
    /// The command prefix that runs something here.
    pub(crate) fn enter(&self) -> Vec<String> {
        let pid = self.pid.to_string();
        let mut enter =
            ["nsenter", "--target", &pid, "--net", "--mount", "--uts", "--pid", "--"].map(str::to_owned).to_vec();
        // A place may have programs of its own: another C library's `getent`.
        if self.path(OWN_PROGRAMS).exists() {
            enter.extend(["env".to_owned(), format!("PATH={OWN_PROGRAMS}:{}", std::env::var("PATH").unwrap())]);
        }
        enter
    }

    /// A command that runs here.
    pub(super) fn command(&self, command: &[&str]) -> Command {
        let enter = self.enter();
        let mut here = Command::new(&enter[0]);
        here.args(&enter[1..]).args(command);
        here
    }

    /// Where a file below `/etc` or `/run` of this member stands outside.
    #[track_caller]
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        assert!(path.starts_with("/etc/") || path.starts_with("/run/"), "`{path}` is shared with the machine");
        self.directory.join(&path[1..])
    }

    /// Writes a file below `/etc` or `/run`.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Runs a program here with this standard input, and returns what it printed.
    #[track_caller]
    pub(crate) fn run(&self, command: &[&str], input: &str) -> String {
        run(&mut self.command(command), input)
    }
}

/// Runs a command with this standard input; panics where it fails.
#[track_caller]
pub(super) fn run(command: &mut Command, input: &str) -> String {
    let stdio = (Stdio::piped(), Stdio::piped(), Stdio::piped());
    let mut child = command.stdin(stdio.0).stdout(stdio.1).stderr(stdio.2).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed: {stdout}{stderr}\ninput:\n{input}");
    stdout.into_owned()
}

impl Drop for Member {
    fn drop(&mut self) {
        // The holder is the first process of its PID namespace: with it the kernel ends all others there.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}
