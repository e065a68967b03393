"""Injected faults, timeouts and retries, and the outcome of requests where they meet."""

import pytest
from meshproof import Abort, Delay, Load, NoErrors, Retries, Scenario, Split, Timeout, WorkloadFault

GET = "GET http://httpbin:8000/get"
UNAVAILABLE = "GET http://httpbin:8000/status/503"
FAULT = {"VirtualServiceFault"}
RETRY = {"VirtualServiceRetry", "ProbeWorkload"}
TIMEOUT = {"VirtualServiceTimeout"}

# Slow requests are sent by many users at once, and the proxy reports how long it waited for the workload.
WAITED = ("x-envoy-upstream-service-time",)
USERS = 128
CLIENT_TIMEOUT = 3.0

faults = (
    Scenario(
        name="FaultAbort",
        description="One request in ten is answered 500 by the proxy and reaches no pod, and all others are answered.",
        features=FAULT,
        manifests=["httpbin.yaml", "abort-10.yaml"],
        load=Load("steady", GET),
        expect=[Abort(), Split(), NoErrors()],
    ),
    Scenario(
        name="FaultAbortAll",
        description="Every request is answered 503 by the proxy, and none reaches a pod.",
        features=FAULT,
        manifests=["httpbin.yaml", "abort-100.yaml"],
        load=Load("steady", GET),
        expect=[Abort(), NoErrors()],
    ),
    Scenario(
        name="FaultAbortNone",
        description="An abort of no percent aborts nothing.",
        features=FAULT,
        manifests=["httpbin.yaml", "abort-0.yaml"],
        load=Load("steady", GET),
        expect=[Abort(), Split(), NoErrors()],
    ),
    Scenario(
        name="FaultAbortByHeader",
        description="The requests of one named user are aborted, all of them, and those of nobody else.",
        features={*FAULT, "VirtualServiceHeaderMatch"},
        manifests=["httpbin.yaml", "abort-by-header.yaml"],
        load=Load("steady", (GET, f"{GET} end-user:jason", f"{GET} end-user:jasonx")),
        expect=[Abort(), Split(), NoErrors()],
    ),
    Scenario(
        name="FaultDelay",
        description="One request in ten is held for 0.3 s before it is sent on, and all are answered.",
        features=FAULT,
        manifests=["httpbin.yaml", "delay-10.yaml"],
        load=Load("steady", GET, users=32, headers=WAITED),
        expect=[Delay(), Split(), NoErrors()],
        mostly_waits=True,
    ),
    Scenario(
        name="FaultNotRetried",
        description="A 503 of the pod is tried three times more; the 503 injected into nine requests of ten is not.",
        features={*FAULT, *RETRY},
        manifests=["httpbin.yaml", "abort-and-retries.yaml"],
        load=Load("steady", UNAVAILABLE, users=USERS),
        expect=[Abort(), Retries(), Split()],
    ),
)

timeouts = (
    Scenario(
        name="Timeout",
        description="What the workload has not answered after 0.3 s the proxy answers 504; the rest is let through.",
        features=TIMEOUT,
        manifests=["httpbin.yaml", "timeout.yaml"],
        load=Load(
            "steady",
            ("GET http://httpbin:8000/delay/0.05", "GET http://httpbin:8000/delay/1"),
            users=USERS,
            timeout=CLIENT_TIMEOUT,
            headers=WAITED,
        ),
        expect=[Timeout()],
        mostly_waits=True,
    ),
    Scenario(
        name="TimeoutUnderDelay",
        description="An injected delay of 0.3 s does not count for a timeout of 0.15 s.",
        features={*FAULT, *TIMEOUT},
        manifests=["httpbin.yaml", "timeout-under-delay.yaml"],
        # The delay lets all of them go at one moment: more at once than a busy server answers within 0.15 s.
        load=Load(
            "steady", (GET, "GET http://httpbin:8000/delay/1"), users=USERS // 4, timeout=CLIENT_TIMEOUT, headers=WAITED
        ),
        expect=[Timeout(), Delay()],
        mostly_waits=True,
    ),
)

retries = (
    Scenario(
        name="RetriesOn5xx",
        description="A request whose every try is answered 503 reaches the pod four times: once, and three retries.",
        features=RETRY,
        manifests=["httpbin.yaml", "retries-5xx.yaml"],
        workload_faults=[WorkloadFault("httpbin", status=503)],
        load=Load("steady", GET, users=USERS),
        expect=[Retries()],
    ),
    Scenario(
        name="RetriesSucceed",
        description="A request whose first two tries are answered 503 is answered 200 at the third, without a fourth.",
        features=RETRY,
        manifests=["httpbin.yaml", "retries-5xx.yaml"],
        workload_faults=[WorkloadFault("httpbin", status=503, tries=2)],
        load=Load("steady", (GET, UNAVAILABLE), users=USERS),
        expect=[Retries()],
    ),
    Scenario(
        name="RetriesNotOn",
        description="Where gateway errors are to be tried again, a 503 is tried three times more, and a 500 is not.",
        features=RETRY,
        manifests=["httpbin.yaml", "retries-gateway-error.yaml"],
        load=Load("steady", ("GET http://httpbin:8000/status/500", UNAVAILABLE), users=USERS),
        expect=[Retries()],
    ),
    Scenario(
        name="RetriesPerTry",
        description="A workload that never answers is tried three times for 0.15 s each, then the proxy answers 504.",
        features=RETRY,
        manifests=["httpbin.yaml", "retries-per-try.yaml"],
        workload_faults=[WorkloadFault("httpbin", hang=True)],
        # A try that is given up takes its connection with it: the next begins with a handshake.
        load=Load("steady", GET, users=USERS // 4, timeout=CLIENT_TIMEOUT),
        expect=[Retries()],
        mostly_waits=True,
    ),
    Scenario(
        name="RetriesDefault",
        description="Where no retries are specified, a 503 is not tried again, and what is unavailable by gRPC twice.",
        features=RETRY,
        manifests=["httpbin.yaml", "retries-default.yaml"],
        # A request prescribes its answer: status, seconds, grpc-status.
        load=Load("steady", (f"{GET} 'x-meshproof-answer:503 0 0'", f"{GET} 'x-meshproof-answer:200 0 14'")),
        expect=[Retries()],
    ),
)


@pytest.mark.parametrize("scenario", faults + timeouts + retries, ids=lambda scenario: scenario.name)
def test_fault(verify, scenario):
    verify(scenario)
