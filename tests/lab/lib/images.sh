# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# Container images: from tests/lab/images and the pause container; imported once, for containerd's root outlives the lab.

containerd_root="$cache/containerd"
pause_image=lsdeploy-lab/pause:1
pause_archive="$cache/pause-1.tar"
archives=()

build_images() {
  local list
  build_pause
  archives=("$pause_archive")
  [[ "${LSDEPLOY_LAB_IMAGES:-}" != none ]] || return 0
  list=$("$here/images/build" 8>&-) || die "building the lab's images failed" "see what the build says above"
  mapfile -t -O 1 archives <<<"$list"
}

build_pause() {
  [[ -f "$pause_archive.sha256" ]] && return
  local stage layer
  stage=$(mktemp -d "$cache/pause.XXXXXX")
  gcc -static -Os -s -o "$stage/pause" "$here/kubernetes/pause/pause.c"
  tar -C "$stage" --owner=0 --group=0 -cf "$stage/layer.tar" pause
  layer=$(sha256sum "$stage/layer.tar" | cut -d' ' -f1)
  printf '{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/pause"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$layer" >"$stage/config.json"
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$pause_image" >"$stage/manifest.json"
  tar -C "$stage" -cf "$stage/archive.tar" manifest.json config.json layer.tar
  mv "$stage/archive.tar" "$pause_archive"
  sha256sum "$pause_archive" >"$pause_archive.sha256"
  rm -r "$stage"
}

ctr() { command ctr --address "$run/containerd/containerd.sock" --namespace k8s.io "$@"; }

import_images() {
  local archive stamp
  for archive in "${archives[@]}"; do
    stamp="$containerd_root/imported-$(cut -d' ' -f1 "$archive.sha256")"
    [[ -e "$stamp" ]] && continue
    say "importing ${archive##*/}"
    logged "importing $archive" "$run/log/import.log" ctr images import "$archive"
    touch "$stamp"
  done
}

# A lab ends by the death of its pid namespace, so containerd's database still names the containers of the lab before. They go before
# the kubelet sees them; containerd's CRI part must then forget them too.
forget_containers() {
  local containers
  mapfile -t containers < <(ctr containers list --quiet)
  ((${#containers[@]})) || return 0
  logged "removing the containers of an earlier lab" "$run/log/forget.log" ctr containers delete "${containers[@]}"
  supervisor restart containerd >/dev/null
  wait_for "containerd again" containerd 30 ctr version
}
