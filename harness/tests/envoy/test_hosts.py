"""By which names a client calls a host: shorter ones are those of a namespace alone."""

from __future__ import annotations

import pytest
from meshproof.envoy.hosts import domains

END = ".svc.cluster.local"


@pytest.mark.parametrize(
    ("host", "others"),
    [
        ("web.shop", ["web", "web.shop.svc", "web.shop"]),
        ("web.bank", ["web.bank.svc", "web.bank"]),
        ("*.bank", ["*.bank.svc", "*.bank"]),
        ("*", []),
        ("web", []),
    ],
)
def test_names_of_a_host_in_the_clusters_domain(host: str, others: list[str]) -> None:
    assert domains(f"{host}{END}", "shop") == (f"{host}{END}", f"{host}{END}.", *others)


def test_a_host_of_another_domain_has_its_own_name_alone() -> None:
    assert domains("*.cluster.local", "shop") == ("*.cluster.local", "*.cluster.local.")
