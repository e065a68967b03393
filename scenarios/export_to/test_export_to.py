"""Rules that not every namespace sees.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService (exportTo)
"""

from meshproof import Load, NoErrors, Scenario, Split

within = Scenario(
    name="ExportToOwn",
    description="A client of the Service's own namespace meets the rule that is kept there: everything reaches v1.",
    manifests=["helloworld.yaml", "subsets.yaml", "rules.yaml", "client.yaml"],
    load=Load("steady", "GET http://helloworld:5000/hello"),
    expect=[Split(), NoErrors()],
)

elsewhere = Scenario(
    name="ExportToOther",
    description="A client of another namespace meets the rule of its own: seventy percent reach v2.",
    features={"AnyClient", "VirtualServiceWeightedRoute"},
    manifests=["helloworld.yaml", "subsets.yaml", "rules.yaml", "client.yaml"],
    client="web/front",
    load=Load("steady", "GET http://helloworld.default:5000/hello"),
    expect=[Split(), NoErrors()],
)


def test_export_to_own(verify):
    verify(within)


def test_export_to_other(verify):
    verify(elsewhere)
