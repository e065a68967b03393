"""Breakers that cannot trip, retries that cannot happen, and mirrors that copy other requests than one thinks."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.errors import Location
from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.checks.reading import about
from meshproof.lint.folder import Folder
from meshproof.mesh.model.destination_rule import DestinationRule, LoadBalancer, OutlierDetection, TrafficPolicy
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import HttpRoute
from meshproof.mesh.predict.proxy.retrying import retries

# A try that runs into its limit is an answer of 504 of the proxy's own, which these retry and nothing else.
RETRY_A_TIMEOUT = frozenset({"5xx", "gateway-error", "reset"})


def _policies(rule: DestinationRule) -> Iterator[tuple[str, str, TrafficPolicy]]:
    """Each policy with what it is for, and with the subset ('' for all)."""
    yield rule.host, "", rule.policy
    yield from ((f"port {port} of {rule.host}", "", one) for port, one in rule.policy.ports.items())
    for subset in rule.subsets:
        yield f"subset {subset.name} of {rule.host}", subset.name, subset.policy


def _detections(folder: Folder) -> Iterator[tuple[str, int | None, OutlierDetection, Location]]:
    """Each outlierDetection with what it is for and the number of pods there (None: not told)."""
    for rule in folder.mesh.destination_rules:
        service = folder.mesh.service(rule.host)
        for what, subset, policy in _policies(rule):
            found = policy.outlier_detection
            if found is not None and found.location is not None:
                yield what, _pods(folder, rule, service, subset), found, found.location


def _pods(folder: Folder, rule: DestinationRule, service: Service | None, subset: str) -> int | None:
    pods = folder.mesh.behind(service) if service else ()
    if not pods or (service and service.hostname):
        return None
    labels = next((one.labels for one in rule.subsets if one.name == subset), {})
    return sum(pod.replicas for pod in pods if labels.items() <= pod.labels.items()) or None


def _is_off(found: OutlierDetection) -> bool:
    local = found.consecutive_local_origin_failures if found.split_external_local_origin_errors else None
    return not (found.consecutive_5xx_errors or found.consecutive_gateway_errors or local)


def ejects_nobody(folder: Folder) -> Iterator[Found]:
    """Where maxEjectionPercent of the pods is less than one."""
    for what, pods, found, where in _detections(folder):
        percent = min(found.max_ejection_percent, 100)
        if pods is not None and not _is_off(found) and pods * percent < 100:
            # Of one pod alone ejecting it leaves none, which is what is wanted only with 100.
            said = "its default of 10 %" if percent == OutlierDetection().max_ejection_percent else f"{percent} %"
            noun = "pod" if pods == 1 else "pods"
            part = f"maxEjectionPercent, {said}, of {pods} {noun} is less than one"
            text = f"outlierDetection of {what} ejects nobody: {part}"
            least = -(-100 // pods)
            yield Found(where, text, fix=f"Set maxEjectionPercent to {least} or more.")


def detects_nothing(folder: Folder) -> Iterator[Found]:
    """Where each detector is off."""
    for what, _, found, where in _detections(folder):
        if _is_off(found):
            yield Found(where, f"outlierDetection of {what} counts no errors: each detector is off")


def never_first(folder: Folder) -> Iterator[Found]:
    """Gateway errors that count to more than errors of 5xx, which they are as well."""
    for what, _, found, where in _detections(folder):
        five, gateway = found.consecutive_5xx_errors, found.consecutive_gateway_errors
        if five and gateway and gateway > five:
            text = (
                f"consecutiveGatewayErrors {gateway} of {what} never counts: consecutive5xxErrors {five} ejects before"
            )
            yield Found(where, text)


def queues(folder: Folder) -> Iterator[Found]:
    """Pools that limit connections and no requests that wait for one."""
    for rule in folder.mesh.destination_rules:
        service = folder.mesh.service(rule.host)
        if service is not None and not any(port.is_http for port in service.ports):
            continue
        for what, _, policy in _policies(rule):
            pool = policy.connection_pool
            limits = pool and (pool.http1_max_pending_requests or pool.http2_max_requests)
            if pool and pool.location and pool.max_connections and not limits:
                text = (
                    f"with {pool.max_connections} connections to {what} and no limit of what waits, nothing is refused"
                )
                yield Found(pool.location, text)


def replaced(folder: Folder) -> Iterator[Found]:
    """Settings of a port that leave out what the whole policy has: there the defaults hold."""
    for rule in folder.mesh.destination_rules:
        whole = rule.policy
        for port, own in whole.ports.items():
            lost = [
                name
                for name, top, here in (
                    ("connectionPool", whole.connection_pool, own.connection_pool),
                    ("outlierDetection", whole.outlier_detection, own.outlier_detection),
                    ("loadBalancer", _stated(whole), _stated(own)),
                    ("tls", whole.tls, own.tls),
                )
                if top is not None and here is None
            ]
            if lost:
                text = f"on port {port} of {rule.host} {' and '.join(lost)} of the whole policy are not in force"
                yield Found(rule.location, f"{text}: portLevelSettings replace it altogether")


def _stated(policy: TrafficPolicy) -> LoadBalancer | None:
    return None if policy.load_balancer is LoadBalancer.UNSPECIFIED else policy.load_balancer


def other_port(folder: Folder) -> Iterator[Found]:
    """Settings for a port that the Service does not have."""
    for rule in folder.mesh.destination_rules:
        service = folder.mesh.service(rule.host)
        numbers = {port.number for port in service.ports} if service else set()
        for port in rule.policy.ports:
            if service and port not in numbers:
                yield Found(
                    rule.location, f"portLevelSettings are for port {port}, which {service.called} does not have"
                )


def _routes(folder: Folder) -> Iterator[HttpRoute]:
    for one in folder.mesh.virtual_services:
        yield from one.http


def no_time(folder: Folder) -> Iterator[Found]:
    """Tries that may take as long as all of them together."""
    for route in _routes(folder):
        own = route.retries
        if own and own.attempts and route.timeout and own.per_try_timeout and own.per_try_timeout >= route.timeout:
            text = f"one try may take {own.per_try_timeout:g} s and the whole request {route.timeout:g} s"
            yield Found(own.location, f"{text}: after a try that runs into its limit there is no time for another")


def not_for_timeouts(folder: Folder) -> Iterator[Found]:
    """Limits of a try after which nothing is tried again."""
    for owner in folder.mesh.virtual_services:
        for route in owner.http:
            own = route.retries
            if own is None or not own.attempts or own.per_try_timeout is None:
                continue
            found = retries(route)
            words = set(found.retry_on.split(",")) if found else set()
            if not words.isdisjoint(RETRY_A_TIMEOUT):
                continue
            ended = f"a try of more than {own.per_try_timeout:g} s ends the request"
            if owner.gateway_api:
                text, fix = (
                    f"{ended}: no code of retry retries a timeout of backendRequest",
                    "Leave out backendRequest.",
                )
                yield Found(own.location, text, fix=fix)
                continue
            conditions = f"retryOn {own.retry_on}" if own.retry_on else "the default retryOn"
            yield Found(own.location, f"{ended}: {conditions} retries no timeout")


def drawn_together(folder: Folder) -> Iterator[Found]:
    """Mirrors whose share is drawn by the number that draws the split, too."""
    for route in _routes(folder):
        weighed = [one for one in route.destinations if one.weight]
        for mirror in route.mirrors:
            if mirror.coarse and mirror.share < 1 and len(weighed) > 1:
                first = weighed[0].destination
                name = first.subset or first.host
                share = float(mirror.share * 100)
                text = f"mirrorPercent {share:g} is drawn with the split: it copies the requests of {name} first of all"
                yield Found(mirror.location, text)


CHECKS = (
    Check(
        "MP070",
        Severity.WARNING,
        "Outlier detection can eject nobody",
        "Raise maxEjectionPercent.",
        ejects_nobody,
    ),
    Check("MP071", Severity.WARNING, "Outlier detection counts nothing", "Give one detector a count.", detects_nothing),
    Check(
        "MP072",
        Severity.INFO,
        "A count of gateway errors never decides",
        "Let it be less than consecutive5xxErrors.",
        never_first,
    ),
    Check(
        "MP073",
        Severity.INFO,
        "A connection pool refuses nothing",
        "Set http1MaxPendingRequests, too.",
        queues,
    ),
    Check(
        "MP074",
        Severity.WARNING,
        "Retries have no time",
        "Let perTryTimeout times the tries fit into timeout.",
        no_time,
    ),
    Check(
        "MP075",
        Severity.WARNING,
        "A try that runs into perTryTimeout is not retried",
        "Add gateway-error or 5xx to retryOn.",
        not_for_timeouts,
    ),
    Check(
        "MP076",
        Severity.WARNING,
        "A mirror is drawn together with the split",
        "Write mirrorPercentage: {value: …}.",
        drawn_together,
        ("IST0133",),
    ),
    Check(
        "MP077",
        Severity.WARNING,
        "Settings of a port lose the rest of the policy",
        "Repeat in portLevelSettings what is to hold there, too.",
        replaced,
    ),
    Check(
        "MP078",
        Severity.WARNING,
        "Settings are for a port that is none of the Service",
        "Correct the port.",
        other_port,
    ),
    Check(
        "MP079",
        Severity.WARNING,
        "A headless Service is chosen among, and its client's DNS chooses",
        "Give the rules a Service with an address of its own.",
        about(Topic.HEADLESS),
    ),
)
