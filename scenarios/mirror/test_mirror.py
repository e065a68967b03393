"""Mirrored traffic: copies of every share, whole and out of band of what they copy."""

import pytest
from meshproof import Load, Mirror, NoErrors, OutOfBand, Request, Scenario, Split, WorkloadFault

GET = "GET http://httpbin:8000/user-agent"
SIZES = (0, 1, 1_000, 65_536, 262_144, 1_000_000)
LIVE_AND_SHADOW = ["httpbin.yaml", "subsets.yaml"]
SECOND_SHADOW = ["httpbin.yaml", "httpbin-v3.yaml", "subsets-v3.yaml"]
MIRROR = {"VirtualServiceMirror", "ProbeWorkload"}


def body(size):
    """A body whose every part differs from every other."""
    return b"".join(b"%015d\n" % number for number in range(size // 16 + 1))[:size]


def posts():
    """Bodies up to a megabyte, and a request with a query, an escaped path and headers of its own."""
    for size in SIZES:
        headers = (("content-type", "application/octet-stream"),)
        yield Request("POST", "httpbin", 8000, f"/anything/{size}", headers, body=body(size))
    yield "DELETE http://httpbin:8000/anything/a%20b?c=d&c=%2F x-first:one x-first:two"


scenarios = (
    Scenario(
        name="MirrorAll",
        description="Every request is copied to v2, whole, once and nowhere else, with bodies up to a megabyte.",
        features=MIRROR,
        manifests=[*LIVE_AND_SHADOW, "mirror-100.yaml"],
        load=Load("steady", tuple(posts())),
        expect=[Mirror(), NoErrors()],
    ),
    Scenario(
        name="MirrorHalf",
        description="Half of the requests are copied.",
        features=MIRROR,
        manifests=[*LIVE_AND_SHADOW, "mirror-50.yaml"],
        load=Load("steady", GET),
        expect=[Mirror(), NoErrors()],
    ),
    Scenario(
        name="MirrorTenth",
        description="A tenth of the requests is copied to v3, beside a split 90/10 and independently of it.",
        features=MIRROR | {"VirtualServiceWeightedRoute"},
        manifests=[*SECOND_SHADOW, "mirror-10-split.yaml"],
        load=Load("steady", GET),
        expect=[Mirror(), Split(), NoErrors()],
    ),
    Scenario(
        name="MirrorOff",
        description="A mirror of nothing makes no copy at all.",
        features=MIRROR,
        manifests=[*LIVE_AND_SHADOW, "mirror-0.yaml"],
        load=Load("steady", GET),
        expect=[Mirror(), NoErrors()],
    ),
    Scenario(
        name="MirrorDefault",
        description="A mirror without a percentage copies every request.",
        features=MIRROR,
        manifests=[*LIVE_AND_SHADOW, "mirror.yaml"],
        load=Load("steady", GET),
        expect=[Mirror(), Split(), NoErrors()],
    ),
    Scenario(
        name="MirrorSeveral",
        description="Of two mirrors one gets every request, the other a tenth.",
        features=MIRROR,
        manifests=[*SECOND_SHADOW, "mirrors.yaml"],
        load=Load("steady", GET),
        expect=[Mirror(), NoErrors()],
    ),
    Scenario(
        name="MirrorLegacyPercent",
        description="The older spellings mirror_percent and mirrorPercent mean the same.",
        features=MIRROR,
        manifests=[*LIVE_AND_SHADOW, "mirror_percent.yaml"],
        changes=["mirrorPercent.yaml"],
        load=Load("steady", GET),
        expect=[Mirror(), NoErrors()],
    ),
    Scenario(
        name="MirrorRemoved",
        description="Once the mirror has been removed nothing is copied any more.",
        features=MIRROR,
        manifests=[*LIVE_AND_SHADOW, "mirror-100.yaml"],
        changes=["no-mirror.yaml"],
        load=Load("steady", GET),
        expect=[Mirror(), NoErrors()],
    ),
    Scenario(
        name="MirrorFailing",
        description="A mirror that answers 500 changes neither status nor body nor the time of an answer.",
        features=MIRROR,
        manifests=[*LIVE_AND_SHADOW, "no-mirror.yaml"],
        changes=["mirror-100.yaml"],
        workload_faults=[WorkloadFault("httpbin-v2", status=500)],
        load=Load("steady", GET, digest=True),
        expect=[OutOfBand(), Mirror(), Split(), NoErrors()],
    ),
    Scenario(
        name="MirrorResetting",
        description="A mirror that resets its connections changes neither status nor body nor the time of an answer.",
        features=MIRROR,
        manifests=[*LIVE_AND_SHADOW, "no-mirror.yaml"],
        changes=["mirror-100.yaml"],
        workload_faults=[WorkloadFault("httpbin-v2", reset=True)],
        load=Load("steady", GET, digest=True),
        expect=[OutOfBand(), Mirror(), Split(), NoErrors()],
    ),
    Scenario(
        name="MirrorHanging",
        description="A mirror that never answers changes neither status nor body, and no answer waits for it.",
        features=MIRROR,
        manifests=[*LIVE_AND_SHADOW, "no-mirror.yaml"],
        changes=["mirror-100.yaml"],
        workload_faults=[WorkloadFault("httpbin-v2", hang=True)],
        load=Load("steady", GET, users=32, timeout=3.0, digest=True),
        expect=[OutOfBand(), Mirror(), Split(), NoErrors()],
    ),
    Scenario(
        name="MirrorDown",
        description="A mirror without pods changes neither status nor body nor the time of an answer.",
        features=MIRROR,
        manifests=["httpbin-v2-down.yaml", "subsets.yaml", "mirror-100.yaml"],
        load=Load("steady", GET, digest=True),
        expect=[OutOfBand(), Mirror(), Split(), NoErrors()],
    ),
)

# Ten thousand requests and more are needed to distinguish half of a percent from a quarter.
rare = Scenario(
    name="MirrorRare",
    description="One request in two hundred is copied.",
    features=MIRROR,
    manifests=[*LIVE_AND_SHADOW, "mirror-0.5.yaml"],
    load=Load("steady", GET),
    expect=[Mirror(), NoErrors()],
    thorough=True,
)


@pytest.mark.parametrize("scenario", scenarios, ids=lambda scenario: scenario.name)
def test_mirror(verify, scenario):
    verify(scenario)
