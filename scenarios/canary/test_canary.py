"""A canary release in its three forms: by weight, by header, and step by step under load."""

from meshproof import Load, NoErrors, Scenario, Split

HELLO = "GET http://helloworld:5000/hello"

canary = Scenario(
    name="CanarySplit",
    description="Ten percent of requests reach v2, the rest v1, and none go elsewhere.",
    features={"VirtualServiceWeightedRoute"},
    manifests=["helloworld.yaml", "subsets.yaml", "weight-10.yaml"],
    load=Load("steady", HELLO),
    expect=[Split(), NoErrors()],
)

gray = Scenario(
    name="CanaryByHeader",
    description="One named user gets v2 on every request, everybody else v1.",
    features={"VirtualServiceHeaderMatch"},
    manifests=["helloworld.yaml", "subsets.yaml", "by-header.yaml"],
    load=Load("steady", (HELLO, f"{HELLO} end-user:jason", f"{HELLO} end-user:jasonx")),
    expect=[Split(), NoErrors()],
)

ramp = Scenario(
    name="CanaryRamp",
    description="The weight of v2 rises from 0 over 10 and 50 to 100 under load, and no request fails on the way.",
    features={"VirtualServiceWeightedRoute"},
    manifests=["helloworld.yaml", "subsets.yaml", "weight-0.yaml"],
    changes=["weight-10.yaml", "weight-50.yaml", "weight-100.yaml"],
    load=Load("steady", HELLO),
    expect=[Split(), NoErrors()],
)


def test_canary(verify):
    verify(canary)


def test_canary_by_header(verify):
    verify(gray)


def test_canary_ramp(verify):
    verify(ramp)
