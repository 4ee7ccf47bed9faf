//! What the shell at a vantage is told: to take the probe, to run it, to delete it. Pure.
//!
//! The shell reads this on its standard input, so nothing needs to be quoted on the way, by whatever programs it goes. All of it
//! is one function, read whole before it runs; only then does anything else follow on the same input.

/// Begins the lines of the script; the words of the way there do not.
pub(super) fn mark(token: &str) -> String {
    format!("lsdeploy-{token} ")
}

/// The script. `token` is new for each session: it makes the file's name, and its lines cannot be mistaken.
///
/// It says `ready MACHINE`; it is told `place SIZE`; it says `send`; the probe's bytes come; it says `placed` and runs the
/// probe, or `send` again where there was no room for it. Or it says `nowhere REASON`; then it waits for the next word.
/// That word may be `run COMMANDS`: what is left where no probe can run.
pub(super) fn script(token: &str) -> String {
    SCRIPT.replace("TOKEN", token)
}

const SCRIPT: &str = r#"lsdeploy() {
  token=TOKEN file='' held=''
  say() { echo "lsdeploy-$token $*"; }
  clean() { [ -z "$file$held" ] || rm -f ${file:+"$file"} ${held:+"$held"}; }
  trap clean EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # Nobody may be there to read what the shell says of its end.
  trap '' PIPE
  umask 077
  # Takes as many bytes off the input, also where they cannot be written.
  receive() {
    if command -v head >/dev/null; then head -c "$1"; else dd bs=1 count="$1"; fi | { cat >"$2" || cat >/dev/null; }
    [ "$(wc -c <"$2")" -eq "$1" ]
  }
  # Writes the probe into the first directory that takes programs. Once it is there, it is copied.
  place() {
    reason='no directory can be written to'
    for program in rm chmod cat wc; do
      command -v $program >/dev/null || { say nowhere "there is no program $program"; return 1; }
    done
    for directory in "${TMPDIR:-/tmp}" /tmp /var/tmp /dev/shm /run .; do
      file=$directory/lsdeploy-dns-probe-$token
      [ -d "$directory" ] && [ "$file" != "$held" ] && (set -C; : >"$file") || { file=''; continue; }
      if [ -z "$held" ]; then say send; receive "$1" "$file"; else cat "$held" >"$file"; fi || {
        reason="there is no room in $directory"
        rm -f "$file"; file=''
        continue
      }
      chmod 700 "$file" && "$file" </dev/null >/dev/null && { [ -z "$held" ] || rm -f "$held"; held=''; return 0; }
      reason="in $directory it ended with status $?"
      if [ -z "$held" ]; then held=$file; else rm -f "$file"; fi
      file=''
    done
    say nowhere "$reason"
    clean; held=''
    return 1
  }
  say ready "$(uname -m 2>/dev/null)"
  while IFS=' ' read -r word rest; do
    case $word in
    place) place "$rest" 2>/dev/null && { say placed; "$file"; exit; } ;;
    run) eval "$rest" ;;
    esac
  done
  exit
}
lsdeploy
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_of_the_script_is_no_answer() {
        let text = script("0123");
        assert!(!text.lines().any(|line| line.contains(&mark("0123"))));
        assert!(text.len() < 4096, "a shell may read its input by blocks of this size");
    }
}
