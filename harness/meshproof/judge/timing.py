"""How exactly times can be judged: what Envoy's timers and the machine add to them or take away.

Envoy waits in whole milliseconds by libevent's clock, which is read once in each iteration of its event loop
and where the system has one is the coarse clock: it moves in ticks of up to 10 ms
(https://libevent.org/libevent-book/Ref1_libsetup.html, EVENT_BASE_FLAG_PRECISE_TIMER). So nothing ends earlier
than specified by more than a tick, but for a proxy that is kept from the processor in the middle of an iteration:
it sets its timers by the time at which that began, and they end early by as long as it waited. How late something may
end depends on the machine and has no bound. But a rule is the same for all requests: where most end early, or even
the quickest of many is late, the mesh is the cause.
"""

from __future__ import annotations

EARLY = 0.01
"""Seconds by which a timer of a proxy that has the processor may seem to have ended too early."""

MACHINE = 0.1
"""Seconds that a conforming mesh is allowed beyond the specified time; what is wrong by less may pass."""

SERVICE_TIME = "x-envoy-upstream-service-time"
"""The response header that says how many milliseconds the proxy waited for the workload, over all tries."""
SERVICE_TIME_UNIT = 0.001


def service_time(headers: tuple[tuple[str, str], ...]) -> float | None:
    """Seconds that the proxy waited for the workload; None without that header."""
    value = next((value for name, value in headers if name == SERVICE_TIME), "")
    return int(value) * SERVICE_TIME_UNIT if value.isascii() and value.isdigit() else None
