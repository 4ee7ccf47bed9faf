# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# Container images from tests/lab/images, imported once: containerd's root outlives the lab.

pause_image=lab.test/pause:1
coredns_image=lab.test/coredns:1.11.3

build_images() {
  local list
  list=$("$here/images/build" 8>&-) || die "building the lab's images failed" "see what the build says above"
  mapfile -t archives <<<"$list"
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
