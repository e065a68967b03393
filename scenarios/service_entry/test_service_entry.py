"""Hosts that no Kubernetes Service is for.

https://istio.io/latest/docs/reference/config/networking/service-entry/
"""

from meshproof import Answers, Load, NoErrors, Scenario, Split

machines = Scenario(
    name="ServiceEntrySplit",
    description="A fifth of the requests reach the machine of v2, and one path leaves the mesh under another name.",
    features={"ProbeWorkload", "ProxylessWorkloads", "VirtualServiceWeightedRoute"},
    manifests=["machines.yaml"],
    load=Load(
        "steady",
        (
            "GET http://billing.machines.example:8080/invoices",
            "GET http://billing.machines.example:8080/partner/status",
            "GET http://api.partner.example/",
        ),
    ),
    expect=[Split(), Answers(), NoErrors()],
)


def test_service_entry(verify):
    verify(machines)
