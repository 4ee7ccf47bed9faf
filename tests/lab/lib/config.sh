# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# The components' configuration files, from tests/lab/config.

write_config() {
  local file
  mkdir -p "$run/cni" "$run/supervisor"
  for file in containerd.toml kubelet.yaml kube-proxy.yaml dnsmasq.conf supervisord.conf admission.yaml audit-policy.yaml "${more_configuration[@]}"; do
    render "$(configuration "$file")" >"$run/$file"
  done
  render "$here/config/cni.conflist" >"$run/cni/lsdlab.conflist"
  # Within the lab this is /etc/resolv.conf (see init).
  echo "nameserver $node_address" >"$run/resolv.conf"
  render "$here/config/node" >"$run/node"
  chmod +x "$run/node"
  render "$(configuration programs.conf)" >"$run/supervisor/programs.conf"
  [[ "$agent" == none ]] || {
    # A copy, so that a build does not change a running lab.
    install -m 0755 "$agent" "$agent_program"
    mkdir -p "$run/router"
    render "$(configuration agent.conf)" >"$run/supervisor/agent.conf"
  }
}

# A profile's own file, or the one for all.
configuration() { # configuration FILE
  if [[ -e "$here/config/$profile/$1" ]]; then echo "$here/config/$profile/$1"; else echo "$here/config/$1"; fi
}

components() { sed -n 's/^\[program:\(.*\)\]$/\1/p' "$run"/supervisor/*.conf; }
