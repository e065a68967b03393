#!/usr/bin/env bash
# github.com/google/go-containerregistry v0.22.1 (crane): an image that was carried by `crane pull` and `crane push` is not found by its digest.
#
# For a cluster without a network images are pulled to files and pushed to a registry there. The file that crane writes unless told
# otherwise holds layers and configuration, and no manifest; the one that is pushed is made anew, in Docker's
# format. Where the image had Docker's manifest it comes out byte for byte, and its digest with it. Where it had OCI's, as what
# buildx, ko and others make, the digest is another one, as if it had been tampered with: a pod that names it by digest
# cannot be started, and a signature is of another image. A trial with an image of the other kind shows nothing of it. What was pulled by
# digest is called `i-was-a-digest` in the file, for want of a tag. `--format=oci` and `crane copy` keep the digest.
#
# Seen on 2026-12-01 (the same layer and configuration, pulled from one repository and pushed to another; the digest there):
#   manifest of Docker, tarball:       the same
#   manifest of OCI, tarball:          that of the other image, with Docker's manifest
#   manifest of OCI, --format=oci:     the same
#   manifest of OCI, crane copy:       the same
#   name in a tarball, by digest:      mesh/pilot:i-was-a-digest
# The first run fetches and compiles the module, which takes half a minute.
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
GOBIN="$dir" GOFLAGS=-mod=mod go install github.com/google/go-containerregistry/cmd/crane@v0.22.1 2>/dev/null
timeout 300 ./crane registry serve --address 127.0.0.1:0 2>log >log &
tries=0
until grep -q 'serving on port' log; do ((++tries < 200)); sleep 0.05; done
registry=127.0.0.1:$(grep -o 'port [0-9]*' log | grep -o '[0-9]*')
crane() { timeout 300 ./crane "$@" 2>/dev/null; }

echo program >program
tar -cf layer.tar program
crane append -f layer.tar -t "$registry/mesh/pilot:docker" >/dev/null
crane append --oci-empty-base -f layer.tar -t "$registry/mesh/pilot:oci" >/dev/null
docker=$(crane digest "$registry/mesh/pilot:docker") oci=$(crane digest "$registry/mesh/pilot:oci")
# there KIND TAG: which image the tag in the other registry is.
there() {
  case $(crane digest "$registry/inside/pilot:$2") in
  "$docker") echo "$1: the image with Docker's manifest" ;;
  "$oci") echo "$1: the image with OCI's manifest" ;;
  *) echo "$1: another" ;;
  esac
}
{
  for kind in docker oci; do
    crane pull "$registry/mesh/pilot:$kind" "$kind.tar"
    crane push "$kind.tar" "$registry/inside/pilot:$kind" >/dev/null
    there "$kind, tarball" "$kind"
  done
  crane pull --format=oci "$registry/mesh/pilot:oci" layout
  crane push layout "$registry/inside/pilot:layout" >/dev/null
  there 'oci, --format=oci' layout
  crane copy "$registry/mesh/pilot:oci" "$registry/inside/pilot:copy"
  there 'oci, crane copy' copy
  crane pull "$registry/mesh/pilot@$oci" digest.tar
  echo "by digest: $(tar -xOf digest.tar manifest.json | grep -o 'mesh/pilot[^"]*')"
} >seen
cat seen
stated="docker, tarball: the image with Docker's manifest
oci, tarball: the image with Docker's manifest
oci, --format=oci: the image with OCI's manifest
oci, crane copy: the image with OCI's manifest
by digest: mesh/pilot:i-was-a-digest"
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
