# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# The cluster: start it in the order in which its parts need each other, fill it, ask how it is.

kubectl() { KUBECONFIG="$run/kubeconfig/master" "$kubernetes" kubectl "$@" 8>&-; }

start_lab() {
  machine_up
  make_pki
  make_users
  write_config
  start_supervisor
  supervisor start etcd containerd dnsmasq kube-apiserver >/dev/null
  wait_for "containerd" containerd 30 ctr version
  forget_containers
  import_images
  wait_for "the API server" kube-apiserver 120 kubectl get --raw /readyz --request-timeout=2s
  supervisor start kube-controller-manager kube-scheduler kube-proxy kubelet >/dev/null
  fill_cluster
  wait_for "the node to be ready" kubelet 120 kubectl wait --for=condition=Ready --timeout=1s "node/$node"
  wait_for "the project API" projects 30 projects_served
  wait_for_dns
  touch "$run/ready"
}

# Schemas and webhooks before what they are to see: namespaces get their UID ranges and SCCs their defaults from the webhook.
fill_cluster() {
  local log="$run/log/objects.log"
  logged "applying OpenShift's schemas" "$log" kubectl "${apply[@]}" "${definitions[@]/#/--filename=}"
  logged "waiting for OpenShift's schemas" "$log" kubectl wait --for=condition=Established --timeout=60s "${definitions[@]/#/--filename=}"
  mkdir -p "$run/objects" "$run"/volumes/{1,2,3,4}
  chmod 0777 "$run"/volumes/*
  local file
  for file in "${objects[@]}"; do render "$file" >"$run/objects/${file##*/}"; done
  if [[ "$agent" == none ]]; then
    rm "$run"/objects/{webhooks,projects}.yaml
  else
    supervisor start webhook projects >/dev/null
    wait_for "the webhook" webhook 30 accepts "$port_of_webhook"
    wait_for "the project API's server" projects 30 accepts "$port_of_projects"
    logged "registering the webhooks" "$log" kubectl "${apply[@]}" --filename "$run/objects/webhooks.yaml"
  fi
  if [[ -e "$run/objects/status.yaml" ]]; then mv "$run/objects/status.yaml" "$run/status.yaml"; fi
  logged "applying the lab's objects" "$log" kubectl "${apply[@]}" --filename "$run/objects"
  if [[ -e "$run/status.yaml" ]]; then
    logged "applying what operators say" "$log" kubectl "${apply[@]}" --subresource=status --filename "$run/status.yaml"
  fi
  [[ "$agent" == none ]] || supervisor start "${late_programs[@]}" >/dev/null
}

accepts() { (: <>"/dev/tcp/127.0.0.1/$1"); } # accepts PORT

projects_served() { [[ "$agent" == none ]] || kubectl wait --for=condition=Available --timeout=1s apiservice/v1.project.openshift.io; }

# Every component runs, and they are those which this `up` would start.
lab_runs() {
  [[ -e "$run/ready" ]] || return 1
  local with=none
  [[ ! -e "$run/supervisor/agent.conf" ]] || with=agent
  [[ "$agent" == none || "$with" == agent ]] && [[ "$agent" != none || "$with" == none ]] || return 1
  status >/dev/null
}

status() {
  local failed=0 states name state
  [[ -e "$run/init.pid" ]] || { echo "the lab is down" && return 1; }
  states=$(supervisor status all 2>&1 || true)
  while read -r name; do
    state=$(awk -v name="$name" '$1 == name { $1 = ""; print substr($0, 2) }' <<<"$states")
    if [[ "$state" == RUNNING* ]]; then
      printf '%-24s running\n' "$name"
    else
      printf '%-24s failed (%s; log: %s)\n' "$name" "${state:-its supervisor is gone}" "$run/log/$name.log"
      failed=1
    fi
  done < <(components)
  return "$failed"
}

print_env() {
  [[ -e "$run/ready" ]] || die "the lab is not up" "run $0 up --profile $profile"
  local name
  while read -r name; do printf 'export %s\n' "$name"; done <<TEXT
KUBECONFIG=$run/kubeconfig/admin
LSDEPLOY_TEST_KUBECONFIG=$run/kubeconfig/admin
LAB_KUBECONFIG_DEV=$run/kubeconfig/dev
LAB_KUBECONFIG_NOBODY=$run/kubeconfig/nobody
LAB_KUBECONFIG_REQUESTER=$run/kubeconfig/requester
LAB_KUBECONFIG_EXPIRED=$run/kubeconfig/expired
APPS_DOMAIN=$apps_domain
ROUTER_ADDRESS=$router_address
AUDIT_LOG=$run/audit.log
LAB_WORKSTATION=$workstation
LAB_SERVICES=$services
LAB_NODE=$run/node
LAB_STATE=$run
LAB_CA=$run/pki/ca.crt
LAB_KUBERNETES=$kubernetes
LAB_PROFILE=$profile
LAB_PROJECTS_PORT=$port_of_projects
LAB_KUBECONFIG_MASTER=$run/kubeconfig/master
TEXT
}
