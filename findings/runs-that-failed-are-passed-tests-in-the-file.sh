#!/usr/bin/env bash
# pytest 9.2.0 and pytest-rerunfailures 16.7: each run of a test that failed and was made again is a test that passed in the JUnit file.
#
# Tests of a mesh wait for other machines, and are made again where they fail now and then. Since 16.6.1 there is a
# `testcase` for each run in the JUnit file. The outcome of those before the last, "rerun", is none that pytest writes
# there: the case has no failure in it, which is how a test that passed looks. So a test that always fails, with `--reruns
# 3`, has three passes and a failure; of three tests, of which one passes at once, one the third time and one never, seven
# cases of eight are well, and the head of the file says the same. The rate of what passes grows with the number of
# reruns, and a page of flaky tests that is drawn from such files shows none. Up to 16.6, and in pytest-retry 1.7.0, a
# test has one case, that of its last run. (pytest-dev/pytest-rerunfailures#170.)
#
# Seen on 2026-12-01 (the three tests; runs by their own count, cases of the file by junitparser 5.0.3):
#   no reruns:                  runs 3, of which failed 2; cases 3, of which passed 1; exit code 1
#   --reruns 3:                 runs 8, of which failed 6; cases 8, of which passed 7; exit code 1
#   --reruns 3, the last alone: runs 4, of which failed 4; cases 4, of which passed 3; exit code 1
#   --reruns 3 of 16.6:         runs 8, of which failed 6; cases 3, of which passed 2; exit code 1
#   --retries 3, pytest-retry:  runs 8, of which failed 6; cases 3, of which passed 2; exit code 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check \
  pytest==9.2.0 pytest-rerunfailures==16.7 pytest-retry==1.7.0 junitparser==5.0.3
venv/bin/pip install -q --no-compile --disable-pip-version-check --no-deps --target old pytest-rerunfailures==16.6
cat >test_shop.py <<'PY'
from collections import Counter

runs = Counter()


def run(name, needed):
    """Passes from a run on."""
    runs[name] += 1
    well = runs[name] >= needed
    with open("runs", "a") as file:
        file.write("passed\n" if well else "failed\n")
    assert well


def test_passes():
    run("passes", 1)


def test_passes_the_third_time():
    run("passes the third time", 3)


def test_never_passes():
    run("never", 1000)
PY
# count OPTION…
count() {
  local code=0
  rm -f runs report.xml
  timeout 60 venv/bin/pytest -q --junitxml report.xml test_shop.py "$@" >log 2>&1 || code=$?
  venv/bin/python - "$code" <<'PY'
import sys

from junitparser import JUnitXml

runs = open("runs").read().split()
cases = [case for suite in JUnitXml.fromfile("report.xml") for case in suite]
passed = sum(case.is_passed for case in cases)
print(f"runs {len(runs)}, of which failed {runs.count('failed')}; cases {len(cases)}, of which passed {passed}; exit code {sys.argv[1]}")
PY
}
seen="no reruns: $(count -p no:retry)
--reruns 3: $(count -p no:retry --reruns 3)
--reruns 3, the last alone: $(count -p no:retry --reruns 3 -k never)
--reruns 3 of 16.6: $(PYTHONPATH=old count -p no:retry --reruns 3)
--retries 3, pytest-retry: $(count -p no:rerunfailures --retries 3)"
echo "$seen"
stated='no reruns: runs 3, of which failed 2; cases 3, of which passed 1; exit code 1
--reruns 3: runs 8, of which failed 6; cases 8, of which passed 7; exit code 1
--reruns 3, the last alone: runs 4, of which failed 4; cases 4, of which passed 3; exit code 1
--reruns 3 of 16.6: runs 8, of which failed 6; cases 3, of which passed 2; exit code 1
--retries 3, pytest-retry: runs 8, of which failed 6; cases 3, of which passed 2; exit code 1'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
