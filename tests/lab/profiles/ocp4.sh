# shellcheck shell=bash disable=SC2034,SC2154 # sourced by `lab`, as is every file of lib
# OpenShift 4: the newest Kubernetes, which clients talk to directly.

run="${LSDEPLOY_LAB_STATE:-/run/lsdeploy-lab}"
network=10.213
workstation=lsdlab-ws
# Where kube-proxy's rules are, so that the machine's own packet filter has none of them.
services=lsdlab-services
services_network=172.30
dns_address=172.30.0.10
bridge=lsdlab0
cgroup=lsdeploy-lab
containerd_root="$cache/containerd"
port_of_etcd=2379 port_of_etcd_peers=2380
port_of_webhook=9443 port_of_projects=9444
# What the kubelet keeps where it does not ask.
more_private_directories=()
definitions=("$schemas"/*.yaml)
objects=("$here"/objects/*.{yaml,json})
more_configuration=()
apply=(apply --server-side)

late_programs=(router)

build_servers() { :; }

# Where clients find the API server.
client_port=6443

wait_for_dns() {
  wait_for "the cluster's DNS" kubelet 60 kubectl --namespace openshift-dns wait --for=jsonpath='{.status.numberReady}'=1 \
    --timeout=1s daemonset/dns-default daemonset/node-resolver
}
