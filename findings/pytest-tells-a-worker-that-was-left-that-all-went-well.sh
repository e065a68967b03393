#!/usr/bin/env bash
# pytest-xdist 3.8.0 with pytest 9.2.0: a worker whose controller was interrupted ends its session with exit status 0,
# with tests of its own never run, and no hook tells its plugins so.
#
# A report that each worker writes at the end of its session (`pytest_sessionfinish`: one JUnit, one artifact, one
# certificate a worker) says "passed" of a run that was broken off. What ends the worker's loop is the end of the
# channel, for which it gets the same mark as for the controller's word that all is done: `exitstatus` is 0,
# `session.shouldstop` is empty. The channel's own `isclosed()` is False; only `waitclose(0)` knows that nobody speaks
# any more. An interrupt of the whole process group (Ctrl-C in a terminal) reaches the worker itself, and is told.
#
# Seen on 2026-11-30 (one worker, eight tests of half a second, the controller interrupted once the first has begun):
#   controller: exit code 2
#   worker: exit status 0, shouldstop False, 2 of 8 tests run, isclosed False, waitclose says closed
#   and without an interrupt: exit status 0, shouldstop False, 8 of 8 tests run, isclosed False, waitclose says open
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check pytest==9.2.0 pytest-xdist==3.8.0 execnet==2.1.2

cat >test_parts.py <<'PY'
import time

import pytest


@pytest.mark.parametrize("number", range(8))
def test_part(number):
    with open("begun", "a") as begun:
        print(number, file=begun)
    time.sleep(0.5)
PY
cat >conftest.py <<'PY'
import os


def pytest_sessionfinish(session, exitstatus):
    if not hasattr(session.config, "workerinput"):
        return
    channel = next(one.channel for one in session.config.pluginmanager.get_plugins() if hasattr(one, "channel"))
    try:
        channel.waitclose(0)
        spoken = "closed"
    except channel.TimeoutError:
        spoken = "open"
    with open("begun") as begun:
        ran = len(begun.readlines())
    with open("told.new", "w") as told:
        stop = bool(session.shouldstop)
        print(
            f"exit status {int(exitstatus)}, shouldstop {stop}, {ran} of {len(session.items)} tests run, "
            f"isclosed {channel.isclosed()}, waitclose says {spoken}",
            file=told,
        )
    os.rename("told.new", "told")
PY
# A process that starts others in the background of a script ignores SIGINT: this starts pytest with the usual action.
cat >start.py <<'PY'
import signal
import subprocess
import sys
import time
from pathlib import Path

interrupted = sys.argv[1] == "interrupt"
for name in ("begun", "told"):
    Path(name).unlink(missing_ok=True)
signal.signal(signal.SIGINT, signal.default_int_handler)
command = ["venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "1"]
with open("log", "w") as log:
    pytest = subprocess.Popen(command, stdout=log, stderr=log)
    end = time.monotonic() + 60
    while interrupted and not Path("begun").exists() and time.monotonic() < end:
        time.sleep(0.01)
    if interrupted:
        pytest.send_signal(signal.SIGINT)
    code = pytest.wait(60)
print(f"controller: exit code {code}")
print(f"worker: {Path('told').read_text().strip()}")
PY
seen="$(python3 start.py interrupt; python3 start.py wait)"
echo "$seen"
stated="controller: exit code 2
worker: exit status 0, shouldstop False, 2 of 8 tests run, isclosed False, waitclose says closed
controller: exit code 0
worker: exit status 0, shouldstop False, 8 of 8 tests run, isclosed False, waitclose says open"
if [ "$seen" != "$stated" ]; then cat log; echo "not as stated any more"; exit 1; fi
