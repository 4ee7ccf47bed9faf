# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# Messages and waiting. Sourced by `lab`, as is every file here; the variables of all of them are set there.

say() { printf 'lab: %s\n' "$*" >&2; }

complain() { printf 'error: %s\nhint: %s\n' "$1" "$2" >&2; }

die() { # die WHAT-FAILED HINT
  complain "$@"
  exit 1
}

refuse() { # refuse WHAT-WAS-ASKED HINT
  complain "$@"
  exit 2
}

usage_error() {
  complain "$1" "see the usage below"
  usage >&2
  exit 2
}

need_root() {
  ((EUID == 0)) || refuse "the lab makes network, mount and pid namespaces, for which it needs root" "run it with sudo -E"
}

# Run a command quietly; when it fails, show the end of what it said.
logged() { # logged WHAT LOG COMMAND...
  local what="$1" log="$2"
  shift 2
  # 8 is the lock of `lab`: nothing that might outlive it may hold it.
  "$@" >"$log" 2>&1 </dev/null 8>&- && return
  failed "$what" "$log"
}

failed() { # failed WHAT LOG
  tail -n 30 "$2" >&2 || true
  die "$1 failed, see the lines above" "the whole log is $2; after a repair run the same command again"
}

# Poll until COMMAND succeeds. Give up when time is over, or when supervisord gave up any component: that one is the reason.
wait_for() { # wait_for WHAT COMPONENT SECONDS COMMAND...
  local what="$1" component="$2" deadline=$((SECONDS + $3)) dead
  shift 3
  "$@" >/dev/null 2>&1 8>&- && return
  say "waiting for $what (log: $run/log/$component.log)"
  until "$@" >/dev/null 2>&1 8>&-; do
    dead=$(sed -n 's/.* gave up: \([^ ]*\) .*/\1/p' "$run/log/supervisord.log" | head -n 1)
    [[ -z "$dead" ]] || failed "waiting for $what: starting $dead" "$run/log/$dead.log"
    ((SECONDS < deadline)) || failed "waiting for $what" "$run/log/$component.log"
    sleep 0.2
  done
}

# Replace @NAME@ in a template by the lab's values.
render() { # render FILE
  local ca="$run/pki/ca.crt" pem
  # One line with \n in it, which sed wants as \\n.
  pem=$(awk '{ printf "%s\\\\n", $0 }' "$ca")
  sed -e "s|@SERVICES@|$services|g" -e "s|@SERVICES_ADDRESS@|$services_address|g" -e "s|@SERVICES_RANGE@|$services_range|g" \
    -e "s|@DNS_ADDRESS@|$dns_address|g" -e "s|@COREDNS_IMAGE@|$coredns_image|g" -e "s|@API@|$api|g" -e "s|@RUN@|$run|g" -e "s|@CACHE@|$cache|g" -e "s|@KUBERNETES@|$kubernetes|g" -e "s|@AGENT@|$agent_program|g" \
    -e "s|@NODE@|$node|g" -e "s|@NODE_ADDRESS@|$node_address|g" -e "s|@ROUTER_ADDRESS@|$router_address|g" \
    -e "s|@NETWORK@|$network|g" -e "s|@CLIENT_PORT@|$client_port|g" -e "s|@CONTAINERD_ROOT@|$containerd_root|g" \
    -e "s|@PORT_OF_ETCD@|$port_of_etcd|g" -e "s|@PORT_OF_ETCD_PEERS@|$port_of_etcd_peers|g" \
    -e "s|@PORT_OF_WEBHOOK@|$port_of_webhook|g" -e "s|@PORT_OF_PROJECTS@|$port_of_projects|g" \
    -e "s|@OLD_KUBERNETES@|${old_kubernetes:-}|g" -e "s|@COREDNS@|${coredns:-}|g" -e "s|@BRIDGE@|$bridge|g" -e "s|@CGROUP@|$cgroup|g" -e "s|@PAUSE_IMAGE@|$pause_image|g" \
    -e "s|@APPS_DOMAIN@|$apps_domain|g" -e "s|@CA_BUNDLE@|$(base64 -w0 "$ca")|g" -e "s|@CA_PEM@|$pem|g" "$1"
}
