# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# Certificates, tokens and kubeconfigs: new for every lab, all under $run.

make_pki() {
  local pki="$run/pki"
  mkdir -p "$pki"
  printf '[req]\ndistinguished_name = name\n[name]\n' >"$pki/openssl.cnf"
  authority ca "/CN=lsdeploy-lab"
  issue apiserver "/CN=kube-apiserver" "IP:$node_address,IP:127.0.0.1,IP:$first_service_address,$(service_names)"
  issue apiserver-kubelet-client "/O=system:masters/CN=kube-apiserver-kubelet-client" ""
  issue kubelet "/O=system:nodes/CN=system:node:$node" "IP:$node_address,DNS:$node"
  issue webhook "/CN=lsdeploy-lab-webhook" "IP:127.0.0.1"
  issue projects "/CN=lsdeploy-lab-projects" "DNS:api.openshift-apiserver.svc"
  # An authority of its own: whoever it signs for may say who the caller is.
  authority front-proxy-ca "/CN=lsdeploy-lab-front-proxy"
  certificate front-proxy "/CN=front-proxy" "extendedKeyUsage=clientAuth" -CA "$pki/front-proxy-ca.crt" -CAkey "$pki/front-proxy-ca.key"
  issue router "/CN=*.$apps_domain" "DNS:*.$apps_domain"
  expired_certificate
  cat "$pki/router.crt" "$pki/router.key" >"$pki/router.pem"
  openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$pki/service-accounts.key"
  openssl pkey -in "$pki/service-accounts.key" -pubout -out "$pki/service-accounts.pub"
}

# Only `openssl x509` signs for a time that is over. Without an extension it makes version 1, which TLS libraries refuse.
expired_certificate() {
  local expired="$run/pki/expired"
  echo 'extendedKeyUsage = clientAuth' >"$expired.ext"
  logged "making the expired certificate's key" "$run/log/pki.log" openssl req -new -config "$run/pki/openssl.cnf" \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$expired.key" -out "$expired.csr" -subj /CN=expired
  logged "making the expired certificate" "$run/log/pki.log" openssl x509 -req -in "$expired.csr" -days -1 \
    -CA "$run/pki/ca.crt" -CAkey "$run/pki/ca.key" -out "$expired.crt" -extfile "$expired.ext"
}

service_names() {
  local name=kubernetes names=DNS:localhost part
  for part in "" .default .svc .cluster.local; do
    name+="$part"
    names+=",DNS:$name"
  done
  echo "$names"
}

authority() { # authority NAME SUBJECT
  certificate "$1" "$2" "basicConstraints=critical,CA:TRUE" "keyUsage=critical,keyCertSign,cRLSign"
}

# A certificate for both ends of a connection; the names are a client's only if empty.
issue() { # issue NAME SUBJECT SUBJECT-ALT-NAMES
  local extensions=("basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" "extendedKeyUsage=serverAuth,clientAuth")
  [[ -z "$3" ]] || extensions+=("subjectAltName=$3")
  certificate "$1" "$2" "${extensions[@]}" -CA "$run/pki/ca.crt" -CAkey "$run/pki/ca.key"
}

certificate() { # certificate NAME SUBJECT EXTENSION... [OPTION...]
  local name="$1" subject="$2" arguments=()
  shift 2
  while (($#)) && [[ "$1" != -* ]]; do
    arguments+=(-addext "$1")
    shift
  done
  # One key type for all: EC, as RSA keys take seconds to make.
  logged "making the certificate $name" "$run/log/pki.log" openssl req -x509 -config "$run/pki/openssl.cnf" \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$run/pki/$name.key" -out "$run/pki/$name.crt" \
    -subj "$subject" -days 365 "${arguments[@]}" "$@"
}

# Users who are no part of the lab: they find the API server where clients do.
clients=(admin dev nobody requester)

# The audit log tells users apart, so each program of the lab is one of its own.
make_users() {
  : >"$run/tokens.csv"
  chmod 600 "$run/tokens.csv"
  token_user admin admin system:masters
  sed "s|$client_api|$api|" "$run/kubeconfig/admin" >"$run/kubeconfig/master"
  token_user dev dev "" dev-team
  token_user nobody nobody ""
  token_user requester requester system:authenticated:oauth
  token_user controller-manager system:kube-controller-manager ""
  token_user proxy system:kube-proxy ""
  token_user scheduler system:kube-scheduler ""
  token_user webhook lab-webhook system:masters
  token_user projects lab-projects system:masters
  token_user router lab-router system:masters
  token_user old lab-old system:masters
  certificate_user kubelet
  certificate_user expired
}

token_user() { # token_user FILE USER GROUP [NAMESPACE]
  local token
  token=$(openssl rand -hex 16)
  printf '%s,%s,%s,"%s"\n' "$token" "$2" "$2" "$3" >>"$run/tokens.csv"
  kubeconfig "$1" "token: $token" "${4:-default}"
}

certificate_user() { # certificate_user NAME
  kubeconfig "$1" "client-certificate-data: $(base64 -w0 "$run/pki/$1.crt")
    client-key-data: $(base64 -w0 "$run/pki/$1.key")" default
}

kubeconfig() { # kubeconfig FILE CREDENTIAL NAMESPACE
  local server="$api"
  [[ " ${clients[*]} " == *" $1 "* ]] && server="$client_api"
  mkdir -p "$run/kubeconfig"
  cat >"$run/kubeconfig/$1" <<YAML
apiVersion: v1
kind: Config
current-context: lab
clusters:
- name: lab
  cluster:
    server: $server
    certificate-authority-data: $(base64 -w0 "$run/pki/ca.crt")
users:
- name: $1
  user:
    $2
contexts:
- name: lab
  context: {cluster: lab, user: $1, namespace: $3}
YAML
  chmod 600 "$run/kubeconfig/$1"
}
