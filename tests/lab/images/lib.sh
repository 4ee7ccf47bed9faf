# shellcheck shell=bash disable=SC2154 # `build` sets the variables that are only read here
# Cache, layers and docker-archives. Sourced by `build`; `here`, `store` and `work` are set there.

say() { printf 'images: %s\n' "$*" >&2; }

die() { # die WHAT-FAILED HINT
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 1
}

# Run a long command politely, with its output in a log that is shown when it fails. It runs in the background, because bash serves
# signals only between foreground commands, and in namespaces that end with it: `clean_up` kills one process, and no mount or child
# outlives it.
logged() { # logged WHAT COMMAND...
  local what="$1" log="$work/log"
  shift
  unshare --mount --pid --fork --kill-child --mount-proc nice "$@" >"$log" 2>&1 </dev/null &
  wait $! && return
  tail -n 40 "$log" >&2
  die "$what failed: see the lines above" \
    "check that this machine reaches its package mirrors, then run the same command again: finished layers are kept"
}

# The same inside a root file system.
logged_in_root() { # logged_in_root WHAT ROOT COMMAND...
  local what="$1" root="$2"
  shift 2
  # shellcheck disable=SC2016 # the inner shell expands these
  logged "$what" sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' "$root" "$@"
}

# Everything in the cache is named by what went into it: words (versions), files, and the text of the functions that made it (bash
# prints them without their comments, so that a changed comment rebuilds nothing).
key() { # key WORD-FILE-OR-FUNCTION...
  local input
  for input in "$@"; do
    if [[ -f "$input" ]]; then
      cat "$input"
    else
      declare -f "$input" || echo "$input"
    fi
  done | sha256sum | cut -c1-12
}

# Owners, order and times that do not depend on the build, so that equal content is an equal digest.
pack() { # pack OUTPUT ROOT PATH...
  local output="$1" root="$2"
  shift 2
  tar --create --file "$output" --directory "$root" --format=gnu --sort=name --mtime='2026-01-01 00:00:00Z' \
    --owner=0 --group=0 --numeric-owner -- "$@"
}

# Move a finished file to its place in the cache. Its checksum goes first: who sees the file finds the checksum too.
finish() { # finish FILE DESTINATION
  local sum
  sum=$(sha256sum "$1" | cut -d' ' -f1)
  printf '%s  %s\n' "$sum" "${2##*/}" >"$1.sha256"
  mv "$1.sha256" "$2.sha256"
  mv "$1" "$2"
}

checksum() { cut -d' ' -f1 "$1.sha256"; }

# Sets `built` to the tar of a layer, made by the first of INPUT (a function, called with the output's path) unless the cache has it.
layer() { # layer NAME INPUT...
  local name="$1" started=$SECONDS
  shift
  built="$store/layers/$name-$(key "$@" pack).tar"
  [[ ! -f "$built" ]] || return 0
  say "building layer $name"
  "$1" "$work/layer.tar"
  finish "$work/layer.tar" "$built"
  say "layer $name built in $((SECONDS - started)) s"
}

# A docker-archive is described by lines "IMAGE-CONFIG-JSON <tab> REFERENCES (comma) <tab> LAYER-TARS (space)", one per image.
# Images in one archive share layers, as they do on the node afterwards.
archive() { # archive NAME DESCRIPTION
  local name="$1" description="$2" stage="$work/stage" manifest='[]'
  local destination config references layers one sum names sums config_sum
  destination="$store/$name-$(
    {
      declare -f archive
      while IFS=$'\t' read -r config references layers; do
        echo "$config $references"
        for one in $layers; do checksum "$one"; done
      done <<<"$description"
    } | sha256sum | cut -c1-12
  ).tar"
  if [[ ! -f "$destination" ]]; then
    mkdir "$stage"
    while IFS=$'\t' read -r config references layers; do
      names=() sums=()
      for one in $layers; do
        sum=$(checksum "$one")
        mkdir -p "$stage/$sum"
        ln -f "$one" "$stage/$sum/layer.tar"
        names+=("$sum/layer.tar") sums+=("sha256:$sum")
      done
      jq -cn --argjson config "$config" '{created: "2026-01-01T00:00:00Z", architecture: "amd64", os: "linux", config: $config,
        rootfs: {type: "layers", diff_ids: $ARGS.positional}}' --args "${sums[@]}" >"$stage/config"
      config_sum=$(sha256sum "$stage/config" | cut -d' ' -f1)
      mv "$stage/config" "$stage/$config_sum.json"
      manifest=$(jq -c --arg config "$config_sum.json" --arg references "$references" \
        '. + [{Config: $config, RepoTags: ($references | split(",")), Layers: $ARGS.positional}]' --args "${names[@]}" <<<"$manifest")
    done <<<"$description"
    printf '%s\n' "$manifest" >"$stage/manifest.json"
    pack "$work/archive.tar" "$stage" .
    finish "$work/archive.tar" "$destination"
    rm -r "$stage"
    say "$name: written"
  fi
  printf '%s\n' "$destination"
}
