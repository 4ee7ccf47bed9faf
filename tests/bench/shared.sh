# shellcheck shell=bash
# Shared by the benchmarks: the release build, a directory of the run's own, and the table at the end.
# shellcheck source=tests/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Examples too: features are chosen for all that is built at once, and another set would compile the dependencies anew.
build() {
  say "building the release binary (about 25 minutes the first time)"
  cargo build --release --locked --bins --examples
  # shellcheck disable=SC2034 # for the scripts that source this
  lsdeploy=$CARGO_TARGET_DIR/release/lsdeploy
}

# times FILE ARGUMENTS...: hyperfine, its results in a file of the run's directory.
times() { hyperfine --style basic --export-json "$work/$1.json" "${@:2}" >&2; }

# result FILE COMMAND [EXPRESSION]: of a command that was timed, the median in seconds if nothing else is asked for.
result() { jq -r --arg name "$2" ".results[] | select(.command == \$name) | ${3:-.median}" "$work/$1.json"; }

# heading WHAT PEER, then row WHAT PEER OWN BOUND [FORMAT]: OWN is to be at most BOUND times PEER.
heading() { printf '%-44s %12s %12s %8s %8s\n' "$1" "$2" lsdeploy ratio bound; }

missed=0
# shellcheck disable=SC2034 # `missed` is the exit status of the scripts that source this
row() {
  awk -v what="$1" -v peer="$2" -v own="$3" -v bound="$4" -v format="${5:-%.3f s}" 'BEGIN {
    missed = own / peer > bound
    printf "%-44s %12s %12s %8.3f %8.3f  %s\n", what, sprintf(format, peer), sprintf(format, own), own / peer, bound,
      missed ? "MISSED" : "ok"
    exit missed
  }' || missed=1
}
