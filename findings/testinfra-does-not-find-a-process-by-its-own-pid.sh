#!/usr/bin/env bash
# pytest-testinfra 10.2.2: a process whose name has a blank in it cannot be found, neither by name nor by its own number.
#
# `host.process.filter(…)` asks ps for columns and cuts its lines at blanks, with the name as the first column. Servers
# name their processes "gunicorn: master" or "tmux: server": of such a line each further value is taken for the one
# before it. The master is not found by its name, its number is its share of the processor, and a search for
# the number that it has, or for children of a parent, leaves it out: a test that nothing runs twice, or that nothing is
# left of a service, passes. A name that is no more than letters is found.
#
# Seen on 2026-11-29 (two sleeping children that differ in their names):
#   "web-master":  by name 1, by pid 1, by parent 1
#   "web: master": by name 0, by pid 0, by parent 0; by name "web:" 1, with another pid
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check pytest-testinfra==10.2.2

cat >look.py <<'PY'
import os
import subprocess
import sys
import testinfra

host = testinfra.get_host("local://")
NAMED = """
import ctypes, sys, time
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)
print("named", flush=True)
time.sleep(60)
"""


def found(**asked):
    # ps and its shell are children as well.
    return [one for one in host.process.filter(**asked) if "prctl" in one["args"]]


for name in ("web-master", "web: master"):
    with subprocess.Popen([sys.executable, "-c", NAMED, name], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        counts = [len(found(comm=name)), len(found(pid=child.pid)), len(found(ppid=os.getpid()))]
        print(f'"{name}": by name {counts[0]}, by pid {counts[1]}, by parent {counts[2]}')
        if " " in name:
            print('by name "web:", with its pid:', [one["pid"] == child.pid for one in host.process.filter(comm="web:")])
        child.kill()
PY
seen=$(timeout 60 venv/bin/python look.py)
echo "$seen"
stated='"web-master": by name 1, by pid 1, by parent 1
"web: master": by name 0, by pid 0, by parent 0
by name "web:", with its pid: [False]'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
