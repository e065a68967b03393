"""Plain HTTP that a client's proxy puts into TLS on its way out of the mesh.

https://istio.io/latest/docs/tasks/traffic-management/egress/egress-tls-origination/
"""

from meshproof import Answers, Load, NoErrors, Scenario

outwards = Scenario(
    name="TlsOrigination",
    description="Two hosts outside of the mesh get TLS for the specified name, one of them a certificate as well.",
    features={"ProbeWorkload", "ProxylessWorkloads"},
    manifests=["outside.yaml", "tls.yaml"],
    load=Load("steady", ("GET http://api.example.com/", "GET http://bank.example.com/")),
    expect=[Answers(), NoErrors()],
)


def test_tls_origination(verify):
    verify(outwards)
