# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# What the lab changes on the machine, and how all of it is undone.
#
# Everything runs in one pid and one mount namespace whose first process is supervisord (see init). When that process dies, however it
# dies, the kernel kills all the others, containers too, and drops every mount and pod network with them.

# Paths that containerd, CNI and the kubelet insist on; inside the lab's mount namespace they lie in the run directory.
private_directories=(/run/containerd /opt/containerd /var/lib/cni /var/lib/kubelet /var/log/containers)
# Where labs of all profiles keep their state.
states=(/run/lsdeploy-lab /run/lsdeploy-okd311)
# What the kubelet and the bridge plugin set on the machine.
sysctls=(kernel.keys.root_maxbytes kernel.keys.root_maxkeys kernel.panic kernel.panic_on_oops net.ipv4.ip_forward
  vm.overcommit_memory vm.panic_on_oom)

machine_up() {
  local directory
  private_directories+=("${more_private_directories[@]}")
  # The lab's user `nobody` and pods with any UID must reach their volumes, and nobody else the keys.
  mkdir -p "$run" "$run/log"
  for directory in "${private_directories[@]}" /etc/netns /run/netns; do
    [[ -d "$directory" ]] || echo "$directory" >>"$run/created"
    mkdir -p "$directory" "$run/private$directory"
  done
  sysctl "${sysctls[@]}" >"$run/sysctls"
  cgroup_hierarchies | while read -r directory; do mkdir -p "$directory/$cgroup"; done
  network_up
}

# One directory per controller in version 1 of the interface; the whole tree in version 2.
cgroup_hierarchies() {
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    echo /sys/fs/cgroup
  else
    find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d
  fi
}

start_supervisor() {
  setsid unshare --mount --pid --fork --propagation slave "$here/lib/init" "$run" "${private_directories[@]}" \
    >"$run/log/init.log" 2>&1 </dev/null 8>&- &
  touch "$run/log/supervisord.log"
  wait_for "supervisord" init 10 supervisor pid
}

supervisor() { supervisorctl --configuration "$run/supervisord.conf" "$@" 8>&-; }

# Safe at any time and on any remains: each step looks for itself whether there is something to undo.
clean_up() {
  local directory
  if [[ -e "$run" ]]; then say "stopping the lab and cleaning up"; fi
  kill_namespace
  network_down
  cgroup_hierarchies | while read -r directory; do
    if [[ -d "$directory/$cgroup" ]]; then find "$directory/$cgroup" -depth -type d -exec rmdir {} +; fi
  done
  hand_over
  if [[ -e "$run/sysctls" ]]; then sysctl --quiet --load "$run/sysctls"; fi
  if [[ -e "$run/created" ]]; then
    while read -r directory; do remove_empty "$directory"; done <"$run/created"
  fi
  rm -rf --one-file-system "$run"
}

# What was before the first of several labs is put back by the last of them: another one that runs needs it meanwhile.
hand_over() {
  local other
  for other in "${states[@]}"; do
    if [[ "$other" == "$run" || ! -e "$run/sysctls" || ! -e "$other/init.pid" ]]; then continue; fi
    if [[ -e "$run/created" ]]; then cat "$run/created" >>"$other/created"; fi
    mv "$run/sysctls" "$other/sysctls"
    rm -f "$run/created"
    return
  done
}

remove_empty() { # remove_empty DIRECTORY
  [[ -d "$1" && -z $(ls -A "$1") ]] || return 0
  # `ip netns` made its directory a mount of its own.
  if mountpoint --quiet "$1"; then umount "$1"; fi
  rmdir "$1"
}

# The pid in the file is only believed while it is that process: pids are used again.
kill_namespace() {
  local pid
  pid=$(cat "$run/init.pid" 2>/dev/null) || return 0
  grep -qsaF "$run/supervisord.conf" "/proc/$pid/cmdline" || return 0
  kill -KILL "$pid"
  # The first process of a pid namespace goes last.
  while [[ -e "/proc/$pid" ]]; do sleep 0.05; done
}
