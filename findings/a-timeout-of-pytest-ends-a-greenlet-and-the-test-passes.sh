#!/usr/bin/env bash
# pytest-timeout 2.4.0 and gevent 26.9.0 (which Locust runs on): a test that takes longer than it may passes, and earlier for it.
#
# pytest-timeout lets a signal raise the failure in whatever runs then, which is the test, or, of its threads, always the
# main one. Greenlets all run in that thread: where one of them computes (a user of Locust that checks an answer, a client
# that parses one) the failure is raised there. It ends that greenlet, which is a few lines on stderr, and wakes whoever
# waits for it: `joinall` and a pool's `join` raise nothing of a greenlet that failed unless they are asked to. So the
# test goes on with the work half done, finds no error among the answers, and passes; the limit counts once, so that what
# hangs after that hangs for ever. If all greenlets wait when the time is over the test fails as it should, which is how
# it was tried. With `--timeout-method=thread` the whole run ends each time.
#
# Seen on 2026-12-01 (--timeout 1; the work takes 3 s, in one of two greenlets or threads; a thousand answers are to be checked):
#   a greenlet waits:    failed, exit code 1
#   a thread computes:   failed, exit code 1
#   a greenlet computes: passed, answers checked: none, exit code 0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check pytest==9.2.0 pytest-timeout==2.4.0 gevent==26.9.0
cat >test_answers.py <<'PY'
import threading
import time

import gevent

checked, wrong = [], []


def check_all():
    """Takes three seconds for a thousand answers, and is through with them then."""
    end = time.monotonic() + 3
    while time.monotonic() < end:
        sum(range(1000))
    checked.extend(range(1000))


def test_greenlet_waits():
    gevent.joinall([gevent.spawn(gevent.sleep, 3), gevent.spawn(gevent.sleep, 0)])
    assert not wrong


def test_greenlet_computes():
    checked.clear()
    gevent.joinall([gevent.spawn(check_all), gevent.spawn(gevent.sleep, 0)])
    print("answers checked:", len(checked) or "none")
    assert not wrong


def test_thread_computes():
    threads = [threading.Thread(target=check_all, daemon=True), threading.Thread(target=time.sleep, args=(0,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
PY
run() { # TEST
  local code=0
  timeout 60 venv/bin/pytest -rA --timeout 1 "test_answers.py::$1" >"$1.log" 2>&1 || code=$?
  grep -q "^PASSED" "$1.log" && echo "passed, $(grep -m 1 '^answers checked' "$1.log"), exit code $code" || echo "failed, exit code $code"
}
seen="a greenlet waits: $(run test_greenlet_waits)
a thread computes: $(run test_thread_computes)
a greenlet computes: $(run test_greenlet_computes)"
echo "$seen"
stated='a greenlet waits: failed, exit code 1
a thread computes: failed, exit code 1
a greenlet computes: passed, answers checked: none, exit code 0'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
