#!/usr/bin/env bash
# sarif-tools 3.0.5 (PyPI): `sarif --check error` counts accepted and vanished results as errors.
#
# SARIF says of a result whether somebody accepted it (`suppressions`, status accepted) and how it stands to the
# run before (`baselineState`: `absent` is a problem that is *not there any more* and is listed to say so).
# One would expect a gate for errors to pass over both, as over a result of kind `pass`. sarif-tools does
# leave out kind `pass`, whatever level; but a log whose only two errors are an accepted one and
# one that is gone fails the build.
#
# Seen on 2026-11-29:
#   a passed result:   none: 1     exit code 0
#   accepted, absent:  error: 2    exit code 2
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check sarif-tools==3.0.5
log() {
  echo '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint", "rules": [{"id": "R1"}]}}, "results": ['"$1"']}]}'
}
result() {
  echo '{"ruleId": "R1", "message": {"text": "x"}, '"$1"', "locations": [{"physicalLocation":' \
    '{"artifactLocation": {"uri": "'"$2"'"}, "region": {"startLine": 1}}}]}'
}
log "$(result '"kind": "pass", "level": "none"' a.yaml)" >passed.sarif
log "$(result '"level": "error", "suppressions": [{"kind": "external", "status": "accepted"}]' b.yaml),
     $(result '"level": "error", "baselineState": "absent"' c.yaml)" >gone.sarif

seen=""
for file in passed gone; do
  code=0
  timeout 60 venv/bin/sarif --check error summary "$file.sarif" >text 2>/dev/null || code=$?
  errors=$(sed -n 's/^error: //p' text)
  echo "$file: error: $errors, exit code $code"
  seen+="$errors/$code "
done
if [ "$seen" != "0/0 2/2 " ]; then echo "not as stated any more"; exit 1; fi
