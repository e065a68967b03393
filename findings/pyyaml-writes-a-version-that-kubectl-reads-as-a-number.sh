#!/usr/bin/env bash
# PyYAML 6.0.4 and sigs.k8s.io/yaml v1.6.0 (kubectl's): texts that Python writes arrive as numbers and booleans.
#
# A label `version` with a short commit hash such as 1234e56, written by yaml.safe_dump. Both speak
# YAML, and PyYAML quotes what it would itself read as something else, so one would expect the text
# to arrive. But PyYAML knows exponents only with a point and a sign, no 0o17, no y and n, and takes
# 080 for a text as it is no octal number; it leaves them all without quotes. kubectl's reader knows
# them: the API server then refuses the label or the variable - or the hash is 1234 with 56 zeros.
# Read back by PyYAML all of them are right, so no test in Python sees it.
#
# Seen on 2026-11-29 (written as; what kubectl sends):
#   1234e56 -> 1.234e+59    9e5 -> 900000    080 -> 80    0o17 -> 15    y -> true    n -> false
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check PyYAML==6.0.4
cat >write.py <<'PY'
import yaml

texts = {"hash": "1234e56", "short": "9e5", "build": "080", "mode": "0o17", "yes": "y", "no": "n", "plain": "v1"}
document = yaml.safe_dump(texts)
assert yaml.safe_load(document) == texts
print(document, end="")
PY
venv/bin/python write.py >labels.yaml

mkdir reader
cat >reader/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	json, err := yaml.YAMLToJSON(text)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(json))
}
GO
cd reader
go mod init reader 2>/dev/null
go get sigs.k8s.io/yaml@v1.6.0 2>/dev/null
go build -o ../reader.out .
cd ..
cat labels.yaml
./reader.out labels.yaml | tee seen
if [ "$(cat seen)" != '{"build":80,"hash":1.234e+59,"mode":15,"no":false,"plain":"v1","short":900000,"yes":true}' ]; then
  echo "not as stated any more"; exit 1
fi
