# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# One bridge for node, router, pods and workstation, and a resolver of the workstation's own.

network_up() {
  # Without an address of its own a bridge takes over that of a pod, and its neighbours lose it when the pod goes.
  ip link add "$bridge" address "$(printf '02:00:0a:%02x:00:01' "${network#*.}")" type bridge
  ip address add "$node_address/16" dev "$bridge"
  ip address add "$router_address/16" dev "$bridge"
  ip link set "$bridge" up
  # `ip netns exec` puts this file over the machine's for the commands it runs.
  mkdir -p "/etc/netns/$workstation"
  echo "nameserver $node_address" >"/etc/netns/$workstation/resolv.conf"
  namespace_up "$workstation" "$workstation_address"
  namespace_up "$services" "$services_address"
  ip netns exec "$services" sysctl --quiet net.ipv4.ip_forward=1
  ip -n "$services" route add default via "$node_address"
  ip route add "$services_range" via "$services_address" dev "$bridge"
}

# A network namespace on the bridge, its interface there called like it.
namespace_up() { # namespace_up NAME ADDRESS
  ip netns add "$1"
  ip link add "$1" type veth peer name eth0 netns "$1"
  ip link set "$1" master "$bridge" up
  ip -n "$1" address add "$2/16" dev eth0
  ip -n "$1" link set lo up
  ip -n "$1" link set eth0 up
}

network_down() {
  local interface tries=50
  # The kernel takes the pods' ends away a moment after their last process.
  while ((tries--)) && ip -o link show master "$bridge" 2>/dev/null | grep -qvE ": ($workstation|$services)@"; do sleep 0.1; done
  rm -rf "/etc/netns/$workstation"
  for interface in "$workstation" "$services" "$bridge"; do
    if ip link show "$interface" >/dev/null 2>&1; then ip link delete "$interface"; fi
  done
  for interface in "$workstation" "$services"; do
    if [[ -e "/run/netns/$interface" ]]; then ip netns delete "$interface"; fi
  done
}
