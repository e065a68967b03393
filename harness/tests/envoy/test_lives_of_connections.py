"""How long connections to pods last, and how many streams one of HTTP/2 carries, as istiod writes it."""

from __future__ import annotations

import io

import pytest
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
from meshproof.envoy.clusters.connection_pool import PROTOCOL_OPTIONS
from meshproof.envoy.node import Proxy
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all

FOLDER = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  trafficPolicy:
    connectionPool:
      tcp: {maxConnectionDuration: 90s}
      http: {maxConcurrentStreams: 3, h2UpgradePolicy: UPGRADING}
"""


@pytest.mark.parametrize(("upgrading", "streams"), [("UPGRADE", 3), ("DO_NOT_UPGRADE", 0)])
def test_streams_are_limited_over_http2_alone(upgrading: str, streams: int) -> None:
    mesh = build_all(load(["-"], stdin=io.StringIO(FOLDER.replace("UPGRADING", upgrading)))).mesh
    cluster = translate(mesh, Proxy(), {}).clusters["outbound|80||web.default.svc.cluster.local"]
    options = HttpProtocolOptions()
    cluster.typed_extension_protocol_options[PROTOCOL_OPTIONS].Unpack(options)
    assert options.common_http_protocol_options.max_connection_duration.seconds == 90
    spoken = options.explicit_http_config
    assert spoken.HasField("http2_protocol_options") is (streams > 0)
    assert spoken.http2_protocol_options.max_concurrent_streams.value == streams
