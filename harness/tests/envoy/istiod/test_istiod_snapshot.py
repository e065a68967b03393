"""What becomes of istiod's clusters before an Envoy of the embedded mesh gets them."""

from __future__ import annotations

import pytest
from meshproof.envoy.istiod.certificates import with_stand_ins
from meshproof.envoy.istiod.snapshot import _cluster
from meshproof.mesh.model.security.pod_certificate import CERTIFICATE, NOBODY

CONTEXT = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


@pytest.mark.parametrize(("secret", "is_kept"), [("default", False), ("kubernetes://client", True)])
def test_the_mutual_tls_of_the_mesh_is_left_out_and_any_other_stays(secret: str, is_kept: bool) -> None:
    common = {"tls_certificate_sds_secret_configs": [{"name": secret}]}
    typed = {"@type": CONTEXT, "common_tls_context": common}
    socket = {"name": "envoy.transport_sockets.tls", "typed_config": typed}
    found = _cluster({"name": "outbound|80||cart.shop.svc.cluster.local", "transport_socket": socket})
    assert ("transport_socket" in found) is is_kept


@pytest.mark.parametrize(
    ("secret", "authority"),
    [("configmap://default/ca-cacert", CERTIFICATE), ("file-root:system", CERTIFICATE), ("invalid://-cacert", NOBODY)],
)
def test_what_istiod_would_hand_out_as_secrets_stands_in_the_socket(secret: str, authority: str) -> None:
    names = [{"exact": "web.example"}]
    combined = {
        "default_validation_context": {"match_subject_alt_names": names},
        "validation_context_sds_secret_config": {"name": secret},
    }
    common = {
        "tls_certificate_sds_secret_configs": [{"name": "kubernetes://client"}],
        "combined_validation_context": combined,
    }
    typed = {"@type": CONTEXT, "sni": "asked.example", "common_tls_context": common}
    found = with_stand_ins({"name": "envoy.transport_sockets.tls", "typed_config": typed})["typed_config"]
    assert (found["@type"], found["sni"]) == (CONTEXT, "asked.example")
    validated = found["common_tls_context"]["validation_context"]
    assert validated == {"match_subject_alt_names": names, "trusted_ca": {"inline_string": authority}}
    assert set(found["common_tls_context"]) == {"tls_certificates", "validation_context"}
