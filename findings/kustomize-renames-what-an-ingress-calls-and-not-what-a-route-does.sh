#!/usr/bin/env bash
# kustomize v5.8.2 on an Ingress and on a HTTPRoute and a GRPCRoute of the Gateway API: a prefix breaks the routes alone.
#
# `namePrefix` renames every object, and kustomize then mends what refers to them, by a list of the places that it knows.
# An Ingress is on that list. The routes that take its place are not, though they are the community's own API: their
# backends, the copies of their mirrors and the Gateway that they belong to keep the old names. Nothing is said, and the
# build ends with 0. So an overlay that has served well for years ends in routes that no Gateway has and in backends that
# are not there, on the day that its Ingress is migrated.
#
# Seen on 2026-11-30 (with namePrefix: dev-):
#   Gateway dev-entry; Services dev-shadow dev-shop
#   Ingress: backend dev-shop
#   HTTPRoute: parent entry, backend shop, mirror shadow
#   GRPCRoute: parent entry, backend shop
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
GOBIN=$dir GOFLAGS=-modcacherw go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.2
cat >kustomization.yaml <<'YAML'
resources: [mesh.yaml]
namePrefix: dev-
YAML
cat >mesh.yaml <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: shadow}
spec: {selector: {app: shadow}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: pages}
spec:
  defaultBackend: {service: {name: shop, port: {name: http}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: entry}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: pages}
spec:
  parentRefs: [{name: entry}]
  rules:
  - filters:
    - type: RequestMirror
      requestMirror: {backendRef: {name: shadow, port: 80}}
    backendRefs: [{name: shop, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls}
spec:
  parentRefs: [{name: entry}]
  rules:
  - backendRefs: [{name: shop, port: 80}]
YAML
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check PyYAML==6.0.3
./kustomize build . | venv/bin/python -c '
import sys, yaml
names, said = {}, []
for one in yaml.safe_load_all(sys.stdin):
    names.setdefault(one["kind"], []).append(one["metadata"]["name"])
    if one["kind"] == "Ingress":
        said.append("Ingress: backend " + one["spec"]["defaultBackend"]["service"]["name"])
    if one["kind"].endswith("Route"):
        rule = one["spec"]["rules"][0]
        mirrors = [each["requestMirror"]["backendRef"]["name"] for each in rule.get("filters", [])]
        parent, backend = one["spec"]["parentRefs"][0]["name"], rule["backendRefs"][0]["name"]
        said.append(one["kind"] + f": parent {parent}, backend {backend}" + "".join(f", mirror {name}" for name in mirrors))
gateway, services = names["Gateway"][0], " ".join(sorted(names["Service"]))
said = [f"Gateway {gateway}; Services {services}", *sorted(said, key=lambda one: "IHG".index(one[0]))]
print(*said, sep="\n")
seen = ["Gateway dev-entry; Services dev-shadow dev-shop", "Ingress: backend dev-shop"]
seen += ["HTTPRoute: parent entry, backend shop, mirror shadow", "GRPCRoute: parent entry, backend shop"]
sys.exit("not as stated any more" if said != seen else 0)
'
