"""WebSockets: their handshakes are routed by rules, and a frame goes there and back over each."""

import pytest
from meshproof import Load, Mirror, NoErrors, Scenario, Split

CHAT = "ws://chat:8080/chat"

SCENARIOS = (
    Scenario(
        name="WebSocketCanary",
        description="A quarter of the handshakes reach v2, and frames go both ways; plain requests stay with v1.",
        features={"VirtualServiceWeightedRoute", "VirtualServiceHeaderMatch", "ProbeWorkload"},
        manifests=["chat.yaml", "canary.yaml"],
        load=Load("steady", (CHAT, "GET http://chat:8080/chat", "ws://chat:8080/other")),
        expect=[Split(), NoErrors()],
    ),
    Scenario(
        name="WebSocketMirror",
        description="Every handshake is copied to v2, once, and v1 takes all of them up.",
        features={"ProxylessWorkloads", "VirtualServiceMirror", "ProbeWorkload"},
        manifests=["chat.yaml", "mirror.yaml"],
        load=Load("steady", CHAT),
        expect=[Split(), Mirror(), NoErrors()],
    ),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_websocket(verify, scenario):
    verify(scenario)
