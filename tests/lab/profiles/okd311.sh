# shellcheck shell=bash disable=SC2034,SC2154 # sourced by `lab`, as is every file of lib
# OpenShift 3.11: Kubernetes 1.20 without server-side apply, and in front of it a proxy that takes away what came after 1.11.

run="${LSDEPLOY_LAB_STATE:-/run/lsdeploy-okd311}"
network=10.214
workstation=lsdold-ws
services=lsdold-services
services_network=172.31
# As on 3.11 pods ask dnsmasq on their node, which asks the master's DNS for names of the cluster.
dns_address=$network.0.1
bridge=lsdold0
cgroup=lsdeploy-okd311
# Images once more: two containerds cannot share a root.
containerd_root="$cache/containerd-okd311"
port_of_etcd=12379 port_of_etcd_peers=12380
port_of_webhook=19443 port_of_projects=19444
more_private_directories=(/var/log/pods)
definitions=("$here"/objects/okd311/schemas/*.yaml "$schemas"/0000_03_config-operator_01_securitycontextconstraints.crd.yaml)
objects=("$here"/objects/okd311/*.{yaml,json} "$here"/objects/{projects,volumes,webhooks}.yaml)
more_configuration=(skydns.conf)
apply=(apply)
late_programs=(router old)

old_version=1.20.2
old_servers=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)
# The name says what went in.
old_kubernetes="$cache/kubernetes-$old_version/$(echo "$old_version" "${old_servers[@]}" 2 | sha256sum | cut -c1-12)"

# The port of OpenShift 3's masters.
client_port=8443

# Debian's source package is built with Debian's compiler of that time.
build_servers() {
  build_old_kubernetes
  coredns=$("$repository/tests/coredns" 8>&-) || die "building CoreDNS failed" "see what the build says above"
}

build_old_kubernetes() {
  [[ -d "$old_kubernetes" ]] && return
  local log="$cache/kubernetes-$old_version/build.log" source="$cache/kubernetes-$old_version/source"
  mkdir -p "$source/lists/partial"
  say "building Kubernetes $old_version from Debian's source, once, about 10 minutes on 2 cores (log: $log)"
  logged "building Kubernetes $old_version" "$log" "$here/kubernetes-old" "$source" "$old_version" "${old_servers[@]}"
  mkdir -p "$old_kubernetes.part"
  mv "$source"/built/* "$old_kubernetes.part/"
  mv "$old_kubernetes.part" "$old_kubernetes"
  rm -rf "$source"
}

wait_for_dns() {
  wait_for "the cluster's DNS" skydns 60 getent_on_node kubernetes.default.svc.cluster.local
}

getent_on_node() { # getent_on_node NAME
  "$run/node" getent ahostsv4 "$1"
}
