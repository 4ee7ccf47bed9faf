# shellcheck shell=bash disable=SC2034,SC2154 # the files of lib are one program: `lab` sources them all
# Programs and schemas, each built once per version into the cache.

# The name says what went in, so that a changed main.go or go.sum is another build.
kubernetes="$cache/kubernetes-$kubernetes_version/kubernetes-$(cat "$here"/kubernetes/{go.mod,go.sum,main.go} | sha256sum | cut -c1-12)"
schema_files=(route/v1/zz_generated.crd-manifests/routes-Default.crd.yaml
  security/v1/zz_generated.crd-manifests/0000_03_config-operator_01_securitycontextconstraints.crd.yaml
  config/v1/zz_generated.crd-manifests/0000_00_cluster-version-operator_01_clusterversions-Default.crd.yaml
  config/v1/zz_generated.crd-manifests/0000_10_config-operator_01_dnses.crd.yaml
  config/v1/zz_generated.crd-manifests/0000_10_config-operator_01_infrastructures-Default.crd.yaml
  config/v1/zz_generated.crd-manifests/0000_10_config-operator_01_ingresses.crd.yaml
  config/v1/zz_generated.crd-manifests/0000_10_config-operator_01_networks-Default.crd.yaml
  operator/v1/zz_generated.crd-manifests/0000_70_dns_00_dnses.crd.yaml)
schemas="$cache/openshift-api-$openshift_api_version-$(echo "${schema_files[*]}" | sha256sum | cut -c1-12)"

build_kubernetes() {
  [[ -x "$kubernetes" ]] && return
  local version=k8s.io/component-base/version log="$cache/kubernetes-$kubernetes_version/build.log"
  local client=k8s.io/client-go/pkg/version flags="-s -w" package
  need_program go "building Kubernetes needs Go" "install Go 1.24 or later, then run the same command again"
  mkdir -p "${kubernetes%/*}"
  # kubectl and the servers read two copies of the same variables.
  for package in "$version" "$client"; do
    flags+=" -X $package.gitVersion=v$kubernetes_version -X $package.gitTreeState=clean"
    flags+=" -X $package.gitMajor=${kubernetes_version%%.*} -X $package.gitMinor=$(cut -d. -f2 <<<"$kubernetes_version")"
  done
  rm -f "$kubernetes".*
  say "building Kubernetes $kubernetes_version, once, about 6 minutes on 2 cores (log: $log)"
  logged "building Kubernetes" "$log" env -C "$here/kubernetes" GOFLAGS= CGO_ENABLED=0 \
    nice go build -mod=readonly -trimpath -ldflags "$flags" -o "$kubernetes.$$" .
  mv "$kubernetes.$$" "$kubernetes"
}

need_program() { # need_program PROGRAM WHAT HINT
  command -v "$1" >/dev/null || die "$2, and there is no $1 on PATH" "$3"
}

# OpenShift's own schemas, out of its Go module.
fetch_schemas() {
  [[ -d "$schemas" ]] && return
  local module="github.com/openshift/api@$openshift_api_version" log="$cache/openshift-api.log" source file
  need_program go "fetching OpenShift's schemas needs Go" "install Go 1.24 or later, then run the same command again"
  say "fetching $module"
  logged "fetching $module" "$log" env -C "$cache" GO111MODULE=on GOFLAGS= go mod download -json "$module"
  source=$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' "$log")
  rm -rf "$schemas.part"
  mkdir "$schemas.part"
  for file in "${schema_files[@]}"; do
    install -m 0644 "$source/$file" "$schemas.part/"
  done
  mv "$schemas.part" "$schemas"
}

# Sets `agent` to the program, or leaves it `none`. Cargo decides itself whether there is anything to do.
build_agent() {
  [[ -z "$agent" ]] || return 0
  local log="$cache/agent-build.log"
  need_program cargo "building the lab's agent needs Rust" \
    "install it, or set LSDEPLOY_LAB_AGENT to a built lsdeploy-lab or to none"
  say "building the lab's agent (log: $log)"
  logged "building the lab's agent" "$log" env -C "$repository" cargo build --example lsdeploy-lab --message-format=json-render-diagnostics
  agent=$(sed -n 's/.*"name":"lsdeploy-lab".*"executable":"\([^"]*\)".*/\1/p' "$log")
  [[ -x "$agent" ]] || failed "finding the lab's agent in what cargo built" "$log"
}
