#!/usr/bin/env bash
# Locust 2.47.0: the CSV of a finished run is not the run; a failure at its end is in the exit code alone.
#
# `--csv` writes NAME_stats.csv and NAME_failures.csv while the run goes on, once a second. One would expect
# the files that are left to be those of the whole run, like the table that is printed. The last
# rows are not written again at the end: what comes after the last second's tick is in no file.
# Here the users log out in `on_stop`, and that fails: Locust exits with 1, its table counts a failure for
# each user, and both files say that nothing failed. (`--json` has it all.)
#
# Seen on 2026-11-29 (the number of requests differs from run to run):
#   exit code 1; table: 27 requests, 3 failures; CSV: 15 requests, 0 failures
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check locust==2.47.0
cat >locustfile.py <<'PY'
from locust import User, constant, task


class Shopper(User):
    wait_time = constant(0.2)

    def record(self, name, error=None):
        self.environment.events.request.fire(
            request_type="GET", name=name, response_time=5, response_length=0, exception=error, context={}
        )

    @task
    def browse(self):
        self.record("/items")

    def on_stop(self):
        self.record("/logout", OSError("refused"))
PY
code=0
timeout 120 venv/bin/locust --headless --users 3 --spawn-rate 3 --run-time 5s --json --csv run >run.json 2>log || code=$?
cat >compare.py <<'PY'
import csv, json

table = json.load(open("run.json"))
(total,) = [row for row in csv.DictReader(open("run_stats.csv")) if row["Name"] == "Aggregated"]
failures = list(csv.DictReader(open("run_failures.csv")))
requests, failed = sum(row["num_requests"] for row in table), sum(row["num_failures"] for row in table)
print(f"table: {requests} requests, {failed} failures; "
      f"CSV: {total['Request Count']} requests, {total['Failure Count']} failures, {len(failures)} rows of failures")
assert failed == 3 and requests > int(total["Request Count"]) and total["Failure Count"] == "0" and not failures
PY
echo "exit code $code"
if ! venv/bin/python compare.py || ((code != 1)); then echo "not as stated any more"; exit 1; fi
