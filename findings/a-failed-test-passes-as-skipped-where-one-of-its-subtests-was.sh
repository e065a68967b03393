#!/usr/bin/env bash
# pytest 9.2.0 and junitparser 5.0.3: a test with a failed subtest passes the check of its JUnit file if another subtest was skipped.
#
# pytest has subtests since 9.0: one test asks each pod, and those that do not apply are skipped. In the JUnit file all of them
# stand in the one `testcase`, a `skipped` beside a `failure`, and those that passed nowhere. Whoever reads such a case has to
# choose. To junitparser it is skipped, so that `junitparser verify`, the step that is to fail a pipeline whose tests ran elsewhere,
# ends with 0 for a run that pytest ended with 1. A test of which one subtest was skipped and all others passed is skipped as a
# whole, for junitparser as for whatever shows the file. And the head of the file counts parts and wholes together: two tests
# of which one failed are five, with two failures.
#
# Seen on 2026-12-01 (two tests, the first of three subtests; exit codes of pytest and of junitparser verify):
#   one fails:                       pytest 1, verify 1; the file says 5 tests, 2 failures, 0 skipped; of its 2 cases skipped: 0
#   one fails, another is skipped:   pytest 1, verify 0; the file says 5 tests, 2 failures, 1 skipped; of its 2 cases skipped: 1
#   one is skipped, the rest pass:   pytest 0, verify 0; the file says 5 tests, 0 failures, 1 skipped; of its 2 cases skipped: 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check pytest==9.2.0 junitparser==5.0.3
cat >test_pods.py <<'PY'
import os

import pytest


def test_pods(subtests):
    for pod in ("one", "two", "three"):
        with subtests.test(pod=pod):
            if pod == os.environ.get("SKIPPED"):
                pytest.skip("not here")
            assert pod != os.environ.get("FAILED")


def test_service():
    pass
PY
cat >count.py <<'PY'
import junitparser

[suite] = junitparser.JUnitXml.fromfile("junit.xml")
cases = list(suite)
print(
    f"the file says {suite.tests} tests, {suite.failures} failures, {suite.skipped} skipped;",
    f"of its {len(cases)} cases skipped: {sum(case.is_skipped for case in cases)}",
)
PY
unset SKIPPED FAILED PYTEST_ADDOPTS
# run TITLE VARIABLE=POD...: the tests with these pods, and what is made of their file.
run() {
  local title=$1 tests=0 verified=0
  shift
  timeout 60 env "$@" venv/bin/python -m pytest -q -p no:cacheprovider --junitxml junit.xml >/dev/null || tests=$?
  timeout 60 venv/bin/junitparser verify junit.xml || verified=$?
  echo "$title: pytest $tests, verify $verified; $(timeout 60 venv/bin/python count.py)"
}
{
  run "one fails" FAILED=two
  run "one fails, another is skipped" FAILED=two SKIPPED=three
  run "one is skipped, the rest pass" SKIPPED=three
} >seen
cat seen
stated='one fails: pytest 1, verify 1; the file says 5 tests, 2 failures, 0 skipped; of its 2 cases skipped: 0
one fails, another is skipped: pytest 1, verify 0; the file says 5 tests, 2 failures, 1 skipped; of its 2 cases skipped: 1
one is skipped, the rest pass: pytest 0, verify 0; the file says 5 tests, 0 failures, 1 skipped; of its 2 cases skipped: 1'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
