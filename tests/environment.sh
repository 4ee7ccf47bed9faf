# shellcheck shell=bash
# Shared by the scripts of tests/: where things are cached, and what a fresh machine needs.

# shellcheck disable=SC2034 # for the scripts that source this
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LSDEPLOY_CACHE=${LSDEPLOY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lsdeploy}
# One target directory for all clones: the SDK crates are built once per machine.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$LSDEPLOY_CACHE/target}

# A clone of CI is built once: what would make a second build quicker only fills the disk.
[[ -z ${CI:-} ]] || export CARGO_INCREMENTAL=0

say() { printf '==> %s\n' "$*" >&2; }

# require PROGRAM HINT
require() {
  command -v "$1" >/dev/null && return
  printf 'error: there is no %s on PATH\nhint: %s\n' "$1" "$2" >&2
  exit 2
}

# packages NAME...: Debian packages, installed where they are missing.
packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  apt-get update -qq
  # Tests start their servers themselves: none is started as a service of the machine.
  local policy=/usr/sbin/policy-rc.d status=0 ours=
  [[ -e $policy ]] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && ours=yes; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || status=$?
  [[ -z $ours ]] || rm -f "$policy"
  return "$status"
}

require cargo "install Rust with rustup; rust-toolchain.toml names the version"
