#!/usr/bin/env bash
# Locust 2.47.0: a limit of 1.4 s for the 95th percentile passes where every answer took 1.449 s.
#
# Before they are stored, times from 100 ms are rounded to 10 ms, and times from 1 s to 100 ms; percentiles are
# drawn from these, the 100th too, while minimum, maximum and mean are exact. So the usual way to make a
# build fail, a percentile compared with a limit when Locust quits, is wrong by up to 50 ms in either
# direction: a limit of 1.4 s lets 1,449 ms through, and the largest time that is reported is below
# the mean that stands beside it; a limit of 1.39 s would stop answers that all took 1,350 ms.
#
# Seen on 2026-11-29:
#   every answer 1449 ms: mean 1449, 95 % 1400, 100 % 1400
#   every answer 1350 ms: mean 1350, 95 % 1400, 100 % 1400
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check locust==2.47.0
cat >locustfile.py <<'PY'
from locust import User, constant, events, task


class Shopper(User):
    wait_time = constant(0.2)

    @task
    def browse(self):
        for time in (1449, 1350):
            self.environment.events.request.fire(
                request_type="GET", name=f"/{time}", response_time=time, response_length=0, exception=None, context={}
            )


@events.quitting.add_listener
def judge(environment, **_):
    seen = []
    for time in (1449, 1350):
        stats = environment.stats.get(f"/{time}", "GET")
        p95, p100 = (stats.get_response_time_percentile(share) for share in (0.95, 1.0))
        print(f"every answer {time} ms: mean {stats.avg_response_time:.0f}, 95 % {p95}, 100 % {p100}")
        seen.append((round(stats.avg_response_time), p95, p100))
    environment.process_exit_code = 0 if seen == [(1449, 1400, 1400), (1350, 1400, 1400)] else 1
PY
if ! timeout 120 venv/bin/locust --headless --users 1 --spawn-rate 1 --run-time 3s 2>log | grep "every answer"; then
  echo "not as stated any more"; exit 1
fi
