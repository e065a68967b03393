"""Circuit breaking: the limits of the connection pool, each seen from both sides."""

import pytest
from meshproof import ConnectionPool, Load, OutlierDetection, RetryBudget, Scenario

GET = "GET http://httpbin:8000/get"
POOL = {"DestinationRuleConnectionPool", "ProbeWorkload"}

pool = Scenario(
    name="BreakerPool",
    description="Of three at once one is served, one waits, one gets 503; a host is ejected by its first error.",
    features=POOL | {"DestinationRuleOutlierDetection"},
    manifests=["httpbin.yaml", "exercise.yaml"],
    load=Load("barrier", GET, users=10),
    expect=[ConnectionPool(), OutlierDetection()],
    mostly_waits=True,
)

users = Scenario(
    name="BreakerUsers",
    description="Under 1, 2, 3 and 10 users the books of clients, proxy and pod agree on what was refused.",
    features=POOL,
    manifests=["httpbin.yaml", "pool-1-1.yaml"],
    load=Load("barrier", GET, users=10),
    expect=[ConnectionPool(concurrent_users=(1, 2, 3, 10))],
)

roomy = Scenario(
    name="BreakerRoom",
    description="Up to four users are below limits of four connections and four pending requests: none is refused.",
    features=POOL,
    manifests=["httpbin.yaml", "limits-4-4.yaml"],
    load=Load("barrier", GET, users=12),
    expect=[ConnectionPool(concurrent_users=(1, 2, 3, 4, 12))],
)

grid = Scenario(
    name="BreakerGrid",
    description="Each combination of connections and pending requests lets through its sum and no more.",
    features=POOL,
    manifests=["httpbin.yaml", "limits-1-1.yaml"],
    changes=["limits-2-1.yaml", "limits-1-3.yaml", "limits-3-2.yaml"],
    load=Load("barrier", GET, users=10),
    expect=[ConnectionPool()],
)

requests = Scenario(
    name="BreakerRequests",
    description="Requests beyond http2MaxRequests are refused, whatever connections there are.",
    features=POOL,
    manifests=["httpbin.yaml", "max-requests.yaml"],
    load=Load("barrier", GET, users=10),
    expect=[ConnectionPool(concurrent_users=(2, 10))],
)

use = Scenario(
    name="BreakerConnectionUse",
    description="A connection serves as many requests as maxRequestsPerConnection says, then the next is opened.",
    features=POOL,
    manifests=["httpbin.yaml", "use-3.yaml"],
    changes=["use-10.yaml"],
    load=Load("barrier", GET, users=10),
    expect=[ConnectionPool()],
)

idle = Scenario(
    name="BreakerIdle",
    description="A connection without a request is used again before idleTimeout, and is closed after it.",
    features=POOL,
    manifests=["httpbin.yaml", "idle-2.yaml"],
    load=Load("barrier", GET, users=10),
    expect=[ConnectionPool()],
    mostly_waits=True,
)

connect = Scenario(
    name="BreakerConnectTimeout",
    description="A connection that does not open is given up after connectTimeout, as often as connecting is tried.",
    features=POOL,
    manifests=["httpbin.yaml", "connect-timeout.yaml"],
    load=Load("barrier", GET, users=10),
    expect=[ConnectionPool()],
    mostly_waits=True,
)

retries = Scenario(
    name="BreakerRetries",
    description="With maxRetries retries under way the next is not made: its client gets the first answer.",
    features=POOL | {"VirtualServiceRetry"},
    manifests=["httpbin.yaml", "retried.yaml", "max-retries.yaml"],
    load=Load("barrier", GET, users=10),
    expect=[ConnectionPool()],
)

budget = Scenario(
    name="BreakerRetryBudget",
    description="Retries under way are a fifth of all requests under way, or three: the next is not made.",
    features=POOL | {"VirtualServiceRetry"},
    manifests=["httpbin.yaml", "retried.yaml", "retry-budget.yaml"],
    load=Load("barrier", GET, users=60),
    expect=[RetryBudget()],
)

two_clients = Scenario(
    name="BreakerTwoClients",
    description="Limits are those of a client's proxy: two clients get twice as much through, each exactly its own.",
    features=POOL,
    manifests=["httpbin.yaml", "limits-2-1.yaml"],
    load=Load("barrier", GET, users=7, clients=2),
    expect=[ConnectionPool()],
)

four_clients = Scenario(
    name="BreakerFourClients",
    description="Four clients get four times as much through; one that is full refuses nothing of another's.",
    features=POOL,
    manifests=["httpbin.yaml", "limits-1-1.yaml"],
    load=Load("barrier", GET, users=6, clients=4),
    expect=[ConnectionPool()],
)


@pytest.mark.parametrize(
    "scenario",
    [pool, users, roomy, grid, requests, use, idle, connect, retries, budget, two_clients, four_clients],
    ids=lambda one: one.name,
)
def test_breaker(verify, scenario):
    verify(scenario)
