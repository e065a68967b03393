"""Calls of gRPC over HTTP/2: how they are split, tried again, ended, aborted and limited."""

import pytest
from meshproof import Abort, Answers, ConnectionPool, Load, NoErrors, Retries, Scenario, Split, Streams, Timeout

HELLO = "grpc://greeter:9000/helloworld.Greeter/SayHello"
BYE = "grpc://greeter:9000/helloworld.Greeter/SayBye"
UNKNOWN = "grpc://greeter:9000/other.Service/Call"


def answering(said):
    """A call that prescribes its answer: status, seconds, grpc-status (after a message where an m follows)."""
    return f"{HELLO} 'x-meshproof-answer:{said}'"


def streaming(said, more=""):
    """A call of several messages: who sends them, how many, one each so many seconds."""
    return f"{HELLO} 'x-meshproof-stream:{said}'{more}"


SCENARIOS = (
    Scenario(
        name="GrpcCanary",
        description="Twenty percent of the calls reach v2, and all of one tenant's.",
        features={"VirtualServiceWeightedRoute", "VirtualServiceHeaderMatch", "ProbeWorkload"},
        manifests=["greeter.yaml", "subsets.yaml", "canary.yaml"],
        load=Load("steady", (HELLO, f"{HELLO} tenant:two")),
        expect=[Split(), NoErrors()],
    ),
    Scenario(
        name="GrpcUnimplemented",
        description="A call that no rule takes is told that it is unimplemented, and reaches no pod.",
        features={"VirtualServiceHeaderMatch", "ProbeWorkload"},
        manifests=["greeter.yaml", "subsets.yaml", "canary.yaml"],
        load=Load("steady", (UNKNOWN, f"{HELLO} tenant:two")),
        expect=[Answers(), Split()],
    ),
    Scenario(
        name="GrpcRetries",
        description="What is unavailable or too late is tried three times more, what is internal is not, nor what "
        "comes after a message.",
        features={"VirtualServiceRetry", "ProbeWorkload"},
        manifests=["greeter.yaml", "subsets.yaml", "retries.yaml"],
        load=Load("steady", tuple(map(answering, ("200 0 14", "200 0 4", "200 0 13", "200 0 14m"))), users=16),
        expect=[Retries(), Split()],
    ),
    Scenario(
        name="GrpcTimeout",
        description="A call ends after 0.4 s, as its rule says, or earlier where its own grpc-timeout does.",
        features={"VirtualServiceTimeout", "ProbeWorkload"},
        manifests=["greeter.yaml", "timeout.yaml"],
        load=Load("steady", (answering("200 1 0"), f"{answering('200 1 0')} grpc-timeout:200m"), users=32, timeout=3.0),
        expect=[Timeout()],
        mostly_waits=True,
    ),
    Scenario(
        name="GrpcStreams",
        description="Calls of several messages are split as others are; all messages come, and the status after them.",
        features={"VirtualServiceWeightedRoute", "VirtualServiceHeaderMatch", "ProbeWorkload"},
        manifests=["greeter.yaml", "subsets.yaml", "canary.yaml"],
        load=Load(
            "steady",
            (streaming("both 3 0"), streaming("client 3 0", " tenant:two"), streaming("server 3 0", " tenant:two")),
        ),
        expect=[Streams(), Split(), NoErrors()],
    ),
    Scenario(
        name="GrpcStreamTimeout",
        description="A timeout of 0.4 s ends a server that sends for longer, and nobody who sends for less.",
        features={"VirtualServiceTimeout", "ProbeWorkload"},
        manifests=["greeter.yaml", "timeout.yaml"],
        load=Load(
            "steady",
            (
                *map(streaming, ("server 10 0.1", "server 2 0.05", "client 3 0.1", "both 3 0.1")),
                streaming("server 10 0.1", " grpc-timeout:200m"),
                streaming("server 2 0.05", " 'x-meshproof-answer:200 0 14m'"),
            ),
            users=32,
            timeout=5.0,
        ),
        expect=[Streams()],
        mostly_waits=True,
    ),
    Scenario(
        name="GrpcAbort",
        description="One tenant is always told by a proxy that a resource is exhausted, everybody else is answered.",
        features={"VirtualServiceFault", "ProbeWorkload"},
        manifests=["greeter.yaml", "subsets.yaml", "abort.yaml"],
        load=Load("steady", (HELLO, f"{HELLO} tenant:two")),
        expect=[Abort(), Split(), NoErrors()],
    ),
    Scenario(
        name="GrpcBreaker",
        description="Over one connection three calls are under way at once, and each further one is refused.",
        features={"DestinationRuleConnectionPool", "ProbeWorkload"},
        manifests=["greeter.yaml", "limits.yaml", "first.yaml"],
        load=Load("barrier", HELLO, users=7),
        expect=[ConnectionPool()],
    ),
    Scenario(
        name="GrpcRoute",
        description="A GRPCRoute whose parent is a Service splits one method, and sends another by a header.",
        features={"HTTPRoute", "ProbeWorkload"},
        manifests=["greeter.yaml", "route.yaml"],
        load=Load("steady", (HELLO, f"{BYE} tenant:two", BYE)),
        expect=[Split(), Answers()],
    ),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_grpc(verify, scenario):
    verify(scenario)
