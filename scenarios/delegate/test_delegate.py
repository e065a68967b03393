"""A host whose rules are written by two teams.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#Delegate
"""

from meshproof import Answers, Load, NoErrors, Scenario, Split

delegate = Scenario(
    name="DelegateSplit",
    description="A quarter of what is delegated reaches v2, all of one user's does, and what contradicts is left out.",
    features={"VirtualServiceHeaderMatch", "VirtualServiceWeightedRoute"},
    manifests=["helloworld.yaml", "subsets.yaml", "delegate.yaml"],
    load=Load(
        "steady",
        (
            "GET http://helloworld:5000/hello",
            "GET http://helloworld:5000/hello end-user:jason",
            "GET http://helloworld:5000/other",
        ),
    ),
    expect=[Split(), Answers(), NoErrors()],
)


def test_delegate(verify):
    verify(delegate)
