#!/usr/bin/env bash
# Locust 2.47.0 (gevent 26.9.0): after os.close() a pipe of a Locust process is still open, and a fork takes it along.
#
# Importing locust replaces os.close by gevent's, which only asks the event loop to close what is no regular file: it is
# done in one of the loop's next iterations, and never where the loop does not run. Nothing tells: the call returns, as
# ever. So a reader waits for an end that does not come, and a process that is forked next (as Locust's own
# `--processes` forks) inherits what its parent has closed. os.fork, os.read and os.pipe are as they were before.
#
# Seen on 2026-11-29:
#   after os.close:        open, the reader sees the end: False; a forked child has it open: True
#   two iterations later:  closed, the reader sees the end: True
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check locust==2.47.0 gevent==26.9.0
cat >close.py <<'PY'
import os

import locust  # noqa: F401 - this is what replaces os.close
import gevent
from gevent import monkey

wait = monkey.get_original("select", "select")
fork = monkey.get_original("os", "fork")


def is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def look(read, write):
    seen = bool(wait([read], [], [], 0.5)[0])
    return f"{'open' if is_open(write) else 'closed'}, the reader sees the end: {seen}"


def in_a_child(descriptor):
    pid = fork()
    if not pid:
        os._exit(is_open(descriptor))
    return bool(os.waitstatus_to_exitcode(monkey.get_original("os", "waitpid")(pid, 0)[1]))


read, write = os.pipe()
os.close(write)
print("after os.close:       ", f"{look(read, write)}; a forked child has it open: {in_a_child(write)}")
gevent.sleep(0.01)
gevent.sleep(0.01)
print("two iterations later: ", look(read, write))
PY
venv/bin/python close.py | tee seen
diff - seen <<'SEEN'
after os.close:        open, the reader sees the end: False; a forked child has it open: True
two iterations later:  closed, the reader sees the end: True
SEEN
