"""A canary release of something that speaks no HTTP: each connection is drawn by weight."""

from meshproof import Load, NoErrors, Scenario, Split

split = Scenario(
    name="TcpSplit",
    description="Twenty percent of connections reach v2, the rest v1, and none is refused or closed early.",
    features={"ProbeWorkload", "VirtualServiceTcpRoute"},
    manifests=["echo.yaml", "weight-20.yaml"],
    load=Load("steady", "tcp://tcp-echo:9000"),
    expect=[Split(), NoErrors()],
)


def test_tcp_split(verify):
    verify(split)
