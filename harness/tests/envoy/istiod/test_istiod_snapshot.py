"""What becomes of istiod's clusters before an Envoy of the embedded mesh gets them."""

from __future__ import annotations

import pytest
from meshproof.envoy.istiod.snapshot import _cluster

CONTEXT = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


@pytest.mark.parametrize(("secret", "is_kept"), [("default", False), ("kubernetes://client", True)])
def test_the_mutual_tls_of_the_mesh_is_left_out_and_any_other_stays(secret: str, is_kept: bool) -> None:
    common = {"tls_certificate_sds_secret_configs": [{"name": secret}]}
    typed = {"@type": CONTEXT, "common_tls_context": common}
    socket = {"name": "envoy.transport_sockets.tls", "typed_config": typed}
    found = _cluster({"name": "outbound|80||cart.shop.svc.cluster.local", "transport_socket": socket})
    assert ("transport_socket" in found) is is_kept
