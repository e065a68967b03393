"""When outlier detection ejects a host, for how long, and where traffic goes meanwhile.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection
https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier

* `consecutive5xxErrors` counts every 5xx, `consecutiveGatewayErrors` 502, 503 and 504. A connection that is refused, or
  breaks before an answer, counts as a 503, except with splitExternalLocalOriginErrors: then it counts for
  `consecutiveLocalOriginFailures` alone (Envoy's default of 5 where a rule does not say). There a connection that is
  established ends the row, so that connections that break later are never two in a row.
* Of h hosts at most `maxEjectionPercent` are ejected at once, rounded down: with less than 100/h percent none
  is. (Envoy before 1.27 always ejected one.)
* The n-th ejection lasts n times `baseEjectionTime`, unless the host stayed healthy for an `interval` in
  between; it ends with the first tick of the interval after that.
* With less than `minHealthPercent` of the hosts not ejected, ejections have no effect: all hosts are used.
"""

from __future__ import annotations

from math import ceil, log

from meshproof.border.expectation import Ejection
from meshproof.border.steps import REFUSED, RESET, Fault

KINDS = (500, 502, 503, 504, RESET, REFUSED)
GATEWAY = (502, 503, 504)
ENVOY_LOCAL_FAILURES = 5
LONGEST_EJECTION = 300.0
EJECTIONS = 2
# Seconds that it takes beside the ejections, and that one request with a look at the proxy takes.
SETTLING, LOOK = 5.0, 0.01


def errors(rule: Ejection, status: int) -> int:
    """How many such errors in a row eject a host; 0: none do."""
    local = status in (RESET, REFUSED)
    if local and rule.split_external_local_origin_errors:
        count = rule.consecutive_local_origin_failures or ENVOY_LOCAL_FAILURES
        return count if status == REFUSED or count == 1 else 0
    counts = [rule.consecutive_5xx_errors or 0]
    if local or status in GATEWAY:
        counts.append(rule.consecutive_gateway_errors or 0)
    return min((count for count in counts if count), default=0)


def enough(rule: Ejection) -> int:
    """After so many errors a host that has not been ejected never will be: twice what any detector needs, and more."""
    return 2 * max(ENVOY_LOCAL_FAILURES, *(errors(rule, status) for status in KINDS)) + 2


def allowed(rule: Ejection, hosts: int) -> int:
    """How many of so many hosts may be ejected at once."""
    return hosts * min(rule.max_ejection_percent, 100) // 100


def faults(rule: Ejection, hosts: int) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """The faults that eject no host, and one for each ejection to make: one of each detector if there are enough."""
    able = allowed(rule, hosts) > 0
    every = [Fault(status, errors(rule, status) if able else 0) for status in KINDS]
    fatal = [fault for fault in every if fault.errors]
    # 500 is counted by one detector only, a refusal by another; a gateway error ejects by whichever is quicker.
    first = [fault for status in (500, REFUSED, 503) for fault in fatal if fault.status == status] if fatal else []
    several = tuple((first * EJECTIONS)[: max(EJECTIONS, len(_kinds(first)))])
    return tuple(fault for fault in every if not fault.errors), several


def proof_seconds(rule: Ejection, hosts: int) -> float:
    """About how long it takes to show the rule with so many hosts: mostly what is waited until they are back."""
    harmless, fatal = faults(rule, hosts)
    requests = hosts * (len(harmless) * enough(rule) + sum(fault.errors for fault in fatal))
    waits = sum(duration(rule, times) + rule.interval for times in range(1, len(fatal) + 1))
    return SETTLING + requests * LOOK + waits


def _kinds(several: list[Fault]) -> set[int]:
    return {fault.errors for fault in several}


def reachable(rule: Ejection, ejected: frozenset[int], hosts: int) -> frozenset[int]:
    """The hosts (by number) that get requests while some are ejected."""
    everyone = frozenset(range(hosts))
    healthy = everyone - ejected
    return everyone if 100 * len(healthy) < rule.min_health_percent * hosts else healthy


def duration(rule: Ejection, times: int) -> float:
    """Seconds that an ejection of so many times the base lasts at least."""
    return min(rule.base_ejection_time * times, max(LONGEST_EJECTION, rule.base_ejection_time))


def stretch(hosts: int, alpha: float) -> int:
    """Requests after which each of so many hosts has got one, but for a probability of alpha.

    With one request at a time every host is as likely as another, whatever the balancer.
    """
    return 1 if hosts < 2 else ceil(log(hosts / alpha) / -log(1 - 1 / hosts))
