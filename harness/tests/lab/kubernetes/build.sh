#!/bin/sh
# build.sh [COMMAND ...]: build Kubernetes' commands and etcd from their Go modules, and print the folder they stand in.
# Without a COMMAND: etcd, kube-apiserver and kubectl. A command that stands there already is not built again.
# MESHPROOF_KUBERNETES_MODULE names another folder with a go.mod, for another release (of Kubernetes' own commands).
# MESHPROOF_KUBERNETES_BIN names another folder to build into; GOFLAGS and CGO_ENABLED are respected (default: -p=2, 0).
set -eu
cd "${MESHPROOF_KUBERNETES_MODULE:-$(dirname "$0")}"
version=$(sed -n 's#^.*k8s.io/kubernetes v\([0-9.]*\).*#\1#p' go.mod | head -n 1)
bin=${MESHPROOF_KUBERNETES_BIN:-${XDG_CACHE_HOME:-$HOME/.cache}/meshproof/kubernetes-$version}
command -v go >/dev/null || { echo "build.sh: Go 1.24 or newer is needed, and no go is on PATH" >&2; exit 1; }
export GOFLAGS="${GOFLAGS:--p=2} -mod=readonly" CGO_ENABLED="${CGO_ENABLED:-0}"
[ $# -gt 0 ] || set -- etcd kube-apiserver kubectl

stamp=""
for package in k8s.io/client-go/pkg/version k8s.io/component-base/version; do
  stamp="$stamp -X $package.gitVersion=v$version -X $package.gitMajor=${version%%.*}"
  minor=${version#*.}
  stamp="$stamp -X $package.gitMinor=${minor%%.*} -X $package.gitTreeState=clean"
done

mkdir -p "$bin"
for name in "$@"; do
  case $name in
    etcd) package=go.etcd.io/etcd/server/v3 ;;
    *) package=k8s.io/kubernetes/cmd/$name ;;
  esac
  [ -x "$bin/$name" ] || {
    echo "build.sh: building $name" >&2
    nice -n 19 go build -trimpath -ldflags "-s -w $stamp" -o "$bin/$name.new" "$package"
    mv "$bin/$name.new" "$bin/$name"
  }
done
echo "$bin"
