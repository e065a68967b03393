"""What stock Envoy has of istiod's configuration."""

from __future__ import annotations

import pytest
from meshproof.envoy.istiod.extensions import is_known, known

PREFIX = "type.googleapis.com/"


@pytest.mark.parametrize(
    "name",
    [
        "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
        "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
        "envoy.extensions.http.original_ip_detection.xff.v3.XffConfig",
        "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
        "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
        "envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig",
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
    ],
)
def test_what_istiod_uses_of_envoy_can_be_read(name: str) -> None:
    assert is_known({"@type": PREFIX + name})


def test_what_is_istios_own_is_left_out_and_its_neighbours_stay() -> None:
    own = {"name": "istio.alpn", "typed_config": {"@type": PREFIX + "istio.envoy.config.filter.http.alpn.v2alpha1.X"}}
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": PREFIX + "envoy.extensions.filters.http.router.v3.Router"},
    }
    listener = {
        "filters": [own, router],
        "access_log": [{"name": "a"}],
        "typed_per_filter_config": {"x": {**own["typed_config"]}},
    }
    assert known(listener) == {"filters": [router], "typed_per_filter_config": {}}
