"""Who sends the requests of a verification: the client that a person names, or one for each rule that tells clients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.source import Source, source
from meshproof.border.verdict import Outcome
from meshproof.errors import UsageError
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.requests.clients.sources import parsed
from meshproof.run.prepare import Prepared
from meshproof.run.verification.verification import Verification, prepare_verification
from sure import SURE

SHOP = """
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: beta, namespace: shop}
spec: {selector: {app: beta}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart, tier: front}}
    spec: {containers: [{name: c, image: example/cart, ports: [{containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: beta, namespace: shop}
spec:
  selector: {matchLabels: {app: beta}}
  template:
    metadata: {labels: {app: beta}}
    spec: {containers: [{name: c, image: example/beta, ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: shop}
spec:
  hosts: [cart]
"""
LABELLED = """  http:
  - match: [{sourceLabels: {app: tester}, uri: {prefix: /new}}]
    route: [{destination: {host: beta}}]
  - route: [{destination: {host: cart}}]
"""
PLACED = """  http:
  - match: [{sourceNamespace: lab}]
    route: [{destination: {host: beta}}]
"""
OWN = """  exportTo: [lab]
  http:
  - route: [{destination: {host: beta}}]
"""
LATER = "  - match: [{sourceLabels: {app: other}, uri: {prefix: /old}}]\n    route: [{destination: {host: beta}}]\n"

UNRULED = {"GET http://beta.shop/": ["shop/beta"]}

Verify = Callable[..., Verification]


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """Prepare a verification of the shop with these rules."""

    def make(rules: str, *requests: str, sender: str = "", any_client: bool = True) -> Verification:
        path = tmp_path / "shop.yaml"
        path.write_text(SHOP + rules)
        asked = tuple(map(parse, requests))
        return prepare_verification([str(path)], [], asked, SURE, sender=sender, any_client=any_client)

    return make


@pytest.fixture
def mesh(tmp_path: Path) -> Mesh:
    path = tmp_path / "mesh.yaml"
    path.write_text(SHOP + LABELLED)
    return build(load([str(path)]).resources).mesh


def sent(load_: Prepared | None) -> dict[str, list[str]]:
    """The requests of a load with the workloads that are to answer each."""
    assert load_ is not None
    return {str(one.request): sorted(key for arm in one.arms for key in arm.workloads) for one in load_.plan.stages[0]}


def by_client(found: Verification, kind: str = "verify") -> dict[str, dict[str, list[str]]]:
    return {one.name: sent(one) for one in found.driven if one.name.startswith(kind)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lab", source("lab")),
        ("app=tester", source("default", {"app": "tester"})),
        ("lab/app=tester,version=v1", source("lab", {"version": "v1", "app": "tester"})),
        ("shop/cart", source("shop", {"app": "cart", "tier": "front"})),
        ("app=", source("default", {"app": ""})),
        ("example.com/name=x", None),
    ],
)
def test_a_client_as_a_person_writes_it(mesh: Mesh, text: str, expected: Source | None) -> None:
    if expected is None:
        assert parsed(text, "default", mesh) == source("example.com", {"name": "x"})
    else:
        assert parsed(text, "default", mesh) == expected


@pytest.mark.parametrize("text", ["", "/", "lab/", "/cart", "shop/missing", "a/b/c=d", "app=x,tester", "=x"])
def test_what_names_no_client(mesh: Mesh, text: str) -> None:
    with pytest.raises(UsageError, match="a client is written NAMESPACE/WORKLOAD"):
        parsed(text, "default", mesh)


def test_a_rule_for_labels_is_shown_by_a_client_that_has_them_and_by_one_that_has_not(verify: Verify) -> None:
    found = verify(LABELLED)
    assert by_client(found) == {
        "verify": {"GET http://cart.shop/": ["shop/cart"], "GET http://cart.shop/new": ["shop/cart"], **UNRULED},
        "verify from default/app=tester": {"GET http://cart.shop/new": ["shop/beta"]},
    }
    assert {one.name: dict(one.client.labels) for one in found.driven if "tester" in one.name} == {
        "verify from default/app=tester": {"app": "tester"},
        "boundaries from default/app=tester": {"app": "tester"},
        "resilience from default/app=tester": {"app": "tester"},
    }
    assert all("AnyClient" in one.features for one in found.others)
    assert all("AnyClient" not in one.features for one in (found.samples, found.boundaries) if one)
    assert found.coverage.unreached == ()
    assert all(requests for _, requests in found.coverage.rules)


def test_the_boundaries_of_such_a_rule_are_probed_by_that_client_and_by_the_usual_one(verify: Verify) -> None:
    found = by_client(verify(LABELLED), "boundaries")
    assert found["boundaries from default/app=tester"]["GET http://cart.shop/newx"] == ["shop/beta"]
    assert found["boundaries from default/app=tester"]["GET http://cart.shop/ne"] == ["shop/cart"]
    assert found["boundaries"]["GET http://cart.shop/new"] == ["shop/cart"]


def test_a_rule_for_a_namespace_is_shown_by_a_client_there(verify: Verify) -> None:
    found = verify(PLACED)
    assert by_client(found) == {
        "verify": {"GET http://cart.shop/": ["shop/cart"], **UNRULED},
        "verify from lab": {"GET http://cart.shop/": ["shop/beta"]},
    }
    assert [one.client.namespace for one in found.others] == ["lab"] * len(found.others)


def test_what_is_exported_to_a_namespace_is_shown_by_a_client_there(verify: Verify) -> None:
    found = verify(OWN)
    assert by_client(found)["verify from lab"] == {"GET http://cart.shop/": ["shop/beta"]}
    assert by_client(found)["verify"] == {"GET http://cart.shop/": ["shop/cart"], **UNRULED}


def test_where_the_target_has_one_client_alone_such_a_rule_is_not_proved(verify: Verify) -> None:
    found = verify(LABELLED, any_client=False)
    ((rule, why),) = found.coverage.unreached
    assert "this rule is for a client default/app=tester, not for default: name it with --from" in why
    assert found.others == ()
    assert dict(found.coverage.rules)[rule] == ()


def test_who_names_the_client_verifies_what_is_for_it(verify: Verify) -> None:
    found = verify(LABELLED + LATER, sender="app=tester")
    assert by_client(found) == {
        "verify": {"GET http://cart.shop/new": ["shop/beta"], "GET http://cart.shop/": ["shop/cart"], **UNRULED}
    }
    assert found.samples is not None
    assert dict(found.samples.client.labels) == {"app": "tester"}
    assert found.others == ()


def test_a_rule_for_others_than_the_client_that_is_named_is_told_and_not_counted_against_it(verify: Verify) -> None:
    rules = LABELLED.replace("  - route: [{destination: {host: cart}}]\n", LATER)
    found = verify(rules, sender="shop/app=tester")
    assert found.coverage.unreached == ()
    (notice,) = (one for one in found.notices if "--from" in one.message)
    assert "this rule is for a client shop/app=other, not for shop/app=tester" in notice.message


def test_a_named_request_is_that_of_the_client_that_is_named(verify: Verify) -> None:
    asked = "GET http://cart.shop/new"
    assert by_client(verify(LABELLED, asked)) == {"verify": {asked: ["shop/cart"]}}
    assert by_client(verify(LABELLED, asked, sender="app=tester")) == {"verify": {asked: ["shop/beta"]}}
    assert any("say who sends it with --from" in one.message for one in verify(LABELLED, asked).notices)
    assert not any("--from" in one.message for one in verify(LABELLED, asked, sender="lab").notices)


def test_each_client_has_the_sidecar_that_it_would_have(verify: Verify, driven, tmp_path: Path) -> None:
    loads = [one for one in verify(LABELLED).driven if one.name.startswith("verify")]
    assert len(loads) == 2
    for verdicts in driven(tmp_path, loads):
        assert verdicts
        assert {one.outcome for one in verdicts} == {Outcome.PASSED}


def test_a_rule_for_a_services_short_name_is_shown_by_a_client_beside_it(tmp_path: Path) -> None:
    rules = """  http:
  - match: [{authority: {exact: cart}}]
    route: [{destination: {host: beta}}]
  - route: [{destination: {host: cart}}]
"""
    (tmp_path / "shop.yaml").write_text(SHOP + rules)
    found = prepare_verification([str(tmp_path / "shop.yaml")], [], (), SURE, any_client=True)
    assert found.coverage.unreached == ()
    assert "verify from shop" in [one.name for one in found.driven]


HIDDEN = SHOP.replace(
    "{name: cart, namespace: shop}\nspec: {selector", "{name: cart, namespace: shop, annotations: OWN}\nspec: {selector"
)


def test_a_rule_for_a_service_that_its_clients_do_not_see_is_shown_by_its_full_name(tmp_path: Path) -> None:
    rules = """  http: [{timeout: 2s, route: [{destination: {host: beta.shop.svc.cluster.local}}]}]
  exportTo: [".", other]
"""
    own = HIDDEN.replace("OWN", "{networking.istio.io/exportTo: '.'}")
    text = (own + rules).replace("hosts: [cart]", "hosts: [cart.shop.svc.cluster.local]")
    (tmp_path / "shop.yaml").write_text(
        text.replace("{name: cart, namespace: shop}\nspec:\n  hosts", "{name: cart, namespace: team}\nspec:\n  hosts")
    )
    found = prepare_verification([str(tmp_path / "shop.yaml")], [], (), SURE, any_client=True)
    assert found.coverage.unreached == ()
    (sent,) = (one for one in found.driven if one.name == "verify from team")
    assert [str(one.request) for one in sent.plan.stages[0]] == ["GET http://cart.shop.svc.cluster.local/"]


def test_a_rule_that_leads_the_usual_client_nowhere_is_no_share_of_pods(tmp_path: Path) -> None:
    text = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: team}
spec:
  hosts: [api.example.com]
  exportTo: ["."]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 192.0.2.1}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: api, namespace: team}
spec: {hosts: [api.example.com], http: [{timeout: 2s, route: [{destination: {host: api.example.com}}]}]}
"""
    (tmp_path / "api.yaml").write_text(text)
    found = prepare_verification([str(tmp_path / "api.yaml")], [], (), SURE, any_client=True)
    assert found.samples is None
    assert [[arm.status for arm in one.arms] for one in found.boundaries.plan.stages[0]] == [[503]]
    (sent,) = (one for one in found.driven if one.name == "verify from team")
    assert [[bool(arm.workloads) for arm in one.arms] for one in sent.plan.stages[0]] == [[True]]
