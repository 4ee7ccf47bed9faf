# shellcheck shell=bash disable=SC2154 # `build` sets the variables that are only read here
# One function per layer: each writes the tar named by its first argument. Sourced by `build`.

# Python that never has to write: an arbitrary UID cannot store bytecode, and bytecode checked by time would be stale, because `pack`
# sets all times. Without it LocalStack compiles thousands of modules at every start.
precompile() { # precompile ROOT PYTHON DIRECTORY
  logged_in_root "compiling Python files in $3" "$1" "$2" -m compileall -q -f -j 2 --invalidation-mode unchecked-hash "$3"
}

# The emulators' common ground: Debian 13 with Python 3.13, Node (LocalStack's Kinesis) and Java (DynamoDB Local).
base_layer() {
  local root="$work/root"
  # The directories man1 and so on must stay: Java's alternatives are linked there.
  logged "making a Debian $debian root" mmdebstrap --variant=minbase --format=directory \
    --include=python3,python3-venv,nodejs,openjdk-21-jre-headless,curl \
    --dpkgopt='path-exclude=/usr/share/man/*/*' --dpkgopt='path-exclude=/usr/share/doc/*/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*/*' "$debian" "$root"
  precompile "$root" python3 /usr/lib/python3.13
  # The node gives a container its /dev.
  find "$root/dev" -mindepth 1 -delete
  rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
  pack "$1" "$root" .
  rm -r "$root"
}

unpack_base() { # unpack_base ROOT
  mkdir "$1"
  tar --extract --file "$base" --directory "$1" --numeric-owner --same-permissions
}

# pip of a new virtual environment, inside the root. What this machine needs to reach its package index (resolver, proxies, index,
# certificates) is lent to it for the time of the build in /run, which is in no layer.
install_python() { # install_python ROOT ENVIRONMENT CONSTRAINTS REQUIREMENT...
  local root="$1" environment="$2" constraints="$3" file
  shift 3
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/run/ca.crt"
  cp "$constraints" "$root/run/constraints.txt"
  for file in "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf" /etc/pip.conf; do
    [[ -f "$file" && ! -e "$root/run/pip.conf" ]] && cp "$file" "$root/run/pip.conf"
  done
  logged_in_root "making $environment" "$root" python3 -m venv "$environment"
  logged_in_root "installing $*" "$root" env HOME=/run PIP_CONFIG_FILE=/run/pip.conf PIP_CERT=/run/ca.crt SSL_CERT_FILE=/run/ca.crt \
    REQUESTS_CA_BUNDLE=/run/ca.crt "$environment/bin/pip" install --no-cache-dir --no-compile \
    --constraint /run/constraints.txt "$@"
  precompile "$root" "$environment/bin/python" "$environment"
}

# Jars from Maven with what they need.
fetch_jars() { # fetch_jars DIRECTORY GROUP:ARTIFACT:VERSION...
  local jars="$1" build="$work/maven" group artifact version
  shift
  mkdir -p "$build" "$jars"
  {
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    echo '<groupId>lab.test</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging><dependencies>'
    printf '%s\n' "$@" | while IFS=: read -r group artifact version; do
      echo "<dependency><groupId>$group</groupId><artifactId>$artifact</artifactId><version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
  } >"$build/pom.xml"
  logged "fetching $*" mvn -B -f "$build/pom.xml" "-Dmaven.repo.local=$build/repository" \
    dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$jars"
  rm -r "$build"
}

# LocalStack and the parts that the published image brings along, where LocalStack looks for them; directories as in that image:
# anyone may write, so that both root and an arbitrary UID can run it.
localstack_layer() {
  local root="$work/root" parts init
  parts="$root/usr/lib/localstack"
  unpack_base "$root"
  install_python "$root" "$localstack_venv" "$here/localstack-requirements.txt" "localstack-core[runtime]==$localstack" awscli-local
  logged "installing kinesis-local $kinesis_local" \
    npm install --prefix "$parts/kinesis-local/$kinesis_local" "kinesis-local@$kinesis_local"
  fetch_jars "$parts/jsonata/$jsonata" "com.dashjoin:jsonata:$jsonata" "com.fasterxml.jackson.core:jackson-databind:$jackson"
  # It is in no package registry: without the file every function fails with its missing download, with it as in the published image,
  # because there is no Docker to run it in.
  init="$parts/lambda-runtime/$lambda_runtime/x86_64/var/rapid/init"
  install -D -m 0755 /dev/stdin "$init" <<<$'#!/bin/sh\necho "the lab has no Lambda runtime" >&2\nexit 1'
  mkdir -p "$parts/java" "$root/var/lib/localstack" "$root/tmp/localstack" "$root/etc/localstack/init"
  ln -s /usr/lib/jvm/java-21-openjdk-amd64 "$parts/java/21"
  touch "$root/tmp/localstack/.marker" "$parts/.community-version"
  # Its index of all AWS operations; without it the first call takes seconds and 400 MB to make one.
  logged_in_root "indexing LocalStack's services" "$root" \
    env HOME=/run OVERRIDE_IN_DOCKER=1 "$localstack_venv/bin/python" -m localstack.aws.spec
  install -m 0755 "$here/localstack-entrypoint" "$root/usr/local/bin/docker-entrypoint.sh"
  chmod -R a+rwX "$parts" "$root/var/lib/localstack" "$root/tmp/localstack"
  chmod a+rwx "$root/opt/code/localstack"
  pack "$1" "$root" opt/code usr/local/bin/docker-entrypoint.sh usr/lib/localstack var/lib/localstack tmp/localstack etc/localstack
  rm -r "$root"
}

# DynamoDB Local as LocalStack's installer would leave it. Its licence allows use, not redistribution: it lives in the cache only.
dynamodb_layer() {
  local root="$work/root" build="$work/dynamodb" home jars
  home="$root/usr/lib/localstack/dynamodb-local/2"
  jars="$home/DynamoDBLocal_lib"
  mkdir "$build"
  fetch_jars "$jars" "com.amazonaws:DynamoDBLocal:$dynamodb_local"
  cp "$jars"/libsqlite4java-linux-amd64-*.so "$jars/libsqlite4java-linux-amd64.so"
  rm -f "$jars"/*.dll "$jars"/*.dylib
  # The jar that LocalStack starts only points to these; lines of a manifest are short, and a space begins their continuations.
  {
    echo 'Main-Class: com.amazonaws.services.dynamodbv2.local.main.ServerRunner'
    printf 'Class-Path:'
    (cd "$home" && printf ' \n  %s' DynamoDBLocal_lib/*.jar)
    echo
  } >"$build/manifest"
  logged "writing DynamoDBLocal.jar" jar --create --file "$home/DynamoDBLocal.jar" --date=2026-01-01T00:00:00Z --manifest "$build/manifest"
  logged "compiling DynamoDB Local's agent" javac --release 17 -d "$build/classes" "$here/Premain.java"
  echo 'Premain-Class: Premain' >"$build/manifest"
  logged "writing DynamoDB Local's agent" jar --create --file "$home/ddb-local-loader-0.1.jar" --date=2026-01-01T00:00:00Z \
    --manifest "$build/manifest" -C "$build/classes" Premain.class
  chmod -R a+rwX "$root"
  pack "$1" "$root" usr/lib/localstack/dynamodb-local
  rm -r "$root" "$build"
}

moto_layer() {
  local root="$work/root"
  unpack_base "$root"
  install_python "$root" "$moto_venv" "$here/moto-requirements.txt" "moto[server]==$moto"
  ln -s "$moto_venv/bin/moto_server" "$root/usr/local/bin/moto_server"
  mkdir "$root/moto"
  pack "$1" "$root" "${moto_venv#/}" usr/local/bin/moto_server moto
  rm -r "$root"
}

# Upstream's release, the same program that tests of DNS run.
coredns_layer() {
  local root="$work/root" program
  program=$("$tests/coredns") || die "building CoreDNS failed: see the lines above" "install Go, then run the same command again"
  install -D -m 0755 "$program" "$root/usr/bin/coredns"
  pack "$1" "$root" usr/bin/coredns
  rm -r "$root"
}

# A static program alone in its root.
program_layer() { # program_layer OUTPUT, with the program's name in `program`
  local root="$work/root"
  mkdir "$root"
  logged "compiling $program.c" gcc -static -Os -s -Wall -Werror -o "$root/$program" "$here/$program.c"
  pack "$1" "$root" "$program"
  rm -r "$root"
}
