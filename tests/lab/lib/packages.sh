# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# What the lab needs of Debian.

packages=(etcd-server containerd runc containernetworking-plugins haproxy dnsmasq-base supervisor iproute2 iptables openssl conntrack
  socat util-linux procps gcc libc6-dev)

install_packages() {
  local missing log
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  log="$cache/apt.log"
  logged "apt-get update" "$log" apt-get update
  # The lab runs its own instances: the packages' services must not start. An existing policy says so already on most containers.
  local policy=/usr/sbin/policy-rc.d ours=
  if [[ ! -e "$policy" ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    ours=yes
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  logged "installing ${missing[*]}" "$log" \
    env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
  if [[ -n "$ours" ]]; then
    rm -f "$policy"
    trap - EXIT
  fi
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}
