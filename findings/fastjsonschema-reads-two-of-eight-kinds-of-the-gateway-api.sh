#!/usr/bin/env bash
# fastjsonschema 2.22.3 and gateway-api v1.5.1: of the schemas that Gateway API's CRDs have it can read a quarter.
#
# JSON Schema's `$` is the end of a text, which Python writes `\Z`, and fastjsonschema, unlike jsonschema, puts one for the other.
# It does so between brackets, too, where a dollar is a dollar: the names of headers and of controllers may have one, so
# that the pattern is refused as "bad escape \Z" and the whole schema with it, whatever is to be checked. It is the two
# kinds that have no such name whose schemas can be used. jsonschema 4.26.0 reads all of them.
#
# Seen on 2026-12-01:
#   fastjsonschema: ListenerSet, ReferenceGrant
#   jsonschema: BackendTLSPolicy, GRPCRoute, Gateway, GatewayClass, HTTPRoute, ListenerSet, ReferenceGrant, TLSRoute
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check fastjsonschema==2.22.3 jsonschema==4.26.0 PyYAML==6.0.3
module=$(go mod download -json sigs.k8s.io/gateway-api@v1.5.1 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
cat >read.py <<'PY'
import re
import sys
from pathlib import Path

import fastjsonschema
import jsonschema
import yaml


def by_fastjsonschema(schema):
    fastjsonschema.compile(schema)


def by_jsonschema(schema):
    """Each pattern is used once: jsonschema reads them where it meets a text."""
    jsonschema.Draft202012Validator.check_schema(schema)
    for pattern in patterns(schema):
        jsonschema.validate("a", {"anyOf": [{"pattern": pattern}, {}]})


def patterns(value):
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from patterns(one)


found = [one for path in Path(sys.argv[1]).glob("*.yaml") for one in yaml.safe_load_all(path.read_text())]
kinds = {one["spec"]["names"]["kind"]: one["spec"]["versions"][0] for one in found if one["kind"] == "CustomResourceDefinition"}
for name, read in (("fastjsonschema", by_fastjsonschema), ("jsonschema", by_jsonschema)):
    able = []
    for kind, version in sorted(kinds.items()):
        try:
            read(version["schema"]["openAPIV3Schema"])
            able.append(kind)
        except re.error as error:
            assert "bad escape" in str(error), error
    print(f"{name}: {', '.join(able)}")
PY
seen=$(timeout 120 venv/bin/python read.py "$module/config/crd/standard")
echo "$seen"
stated='fastjsonschema: ListenerSet, ReferenceGrant
jsonschema: BackendTLSPolicy, GRPCRoute, Gateway, GatewayClass, HTTPRoute, ListenerSet, ReferenceGrant, TLSRoute'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
