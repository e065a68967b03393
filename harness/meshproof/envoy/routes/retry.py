"""When a request is tried again.

Istio's default is two retries, since 1.24 not on a 503 that the workload itself answers:
istio/istio pilot/pkg/networking/core/route/retry/retry.go.
"""

from __future__ import annotations

from http import HTTPStatus

from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2
from envoy.extensions.retry.priority.previous_priorities.v3 import previous_priorities_config_pb2

from meshproof.envoy.resource import packed
from meshproof.envoy.unit import Fields, duration, wrapped
from meshproof.mesh.model.virtual_service import Retries

RETRIABLE_CODES = "retriable-status-codes"
DEFAULT_RETRY_ON = f"connect-failure,refused-stream,unavailable,cancelled,{RETRIABLE_CODES}"
DEFAULT_ATTEMPTS = 2
PREVIOUS_HOSTS = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": packed(previous_hosts_pb2.PreviousHostsPredicate, {}),
}
PREVIOUS_PRIORITIES = {
    "name": "envoy.retry_priorities.previous_priorities",
    "typed_config": packed(previous_priorities_config_pb2.PreviousPrioritiesConfig, {"update_frequency": 2}),
}


STATUS_CODES = frozenset(status.value for status in HTTPStatus)


def is_code(word: str) -> bool:
    """Whether istiod reads a word of retryOn as a status code: a number, as Go's Atoi reads them, that has a name."""
    digits = word.removeprefix("+")
    return digits.isascii() and digits.isdigit() and int(digits) in STATUS_CODES


def parse_retry_on(text: str) -> tuple[str, list[int]]:
    """Split Istio's retryOn into Envoy's conditions and status codes (a number is a status code)."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    codes = [int(part) for part in parts if is_code(part)]
    conditions = [part for part in parts if not is_code(part)]
    if codes and RETRIABLE_CODES not in conditions:
        conditions.append(RETRIABLE_CODES)
    return ",".join(conditions), codes


def retry_policy(retries: Retries | None, *, hashed: bool = False) -> Fields | None:
    """Envoy's RetryPolicy; None when the manifest turns retries off (attempts 0).

    Where a hash chooses the host of a lone destination (`hashed`), a request is tried again at the same one.
    """
    policy: Fields = {
        "num_retries": wrapped(DEFAULT_ATTEMPTS),
        "retry_on": DEFAULT_RETRY_ON,
        **({} if hashed else {"retry_host_predicate": [PREVIOUS_HOSTS]}),
        "host_selection_retry_max_attempts": 5,
    }
    if retries is None:
        return policy
    if retries.attempts <= 0:
        return None
    policy["num_retries"] = wrapped(retries.attempts)
    if retries.retry_on:
        policy["retry_on"], codes = parse_retry_on(retries.retry_on)
        if codes:
            policy["retriable_status_codes"] = codes
    if retries.per_try_timeout is not None:
        policy["per_try_timeout"] = duration(retries.per_try_timeout)
    if retries.ignore_previous_hosts is False:
        policy.pop("retry_host_predicate", None)
    elif retries.ignore_previous_hosts:
        policy["retry_host_predicate"] = [PREVIOUS_HOSTS]
    if retries.remote_localities:
        policy["retry_priority"] = PREVIOUS_PRIORITIES
    if retries.back_off is not None:
        policy["retry_back_off"] = {"base_interval": duration(retries.back_off)}
    return policy
