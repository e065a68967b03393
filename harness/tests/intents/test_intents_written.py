"""What `meshproof intents` writes passes as it stands."""

from __future__ import annotations

import io
from pathlib import Path

import jsonschema
import pytest
import yaml
from meshproof.border.verdict import Outcome
from meshproof.intents.cases import decided
from meshproof.intents.reading.read import read_intents
from meshproof.intents.rules import rule_coverage
from meshproof.intents.writing import first_file
from meshproof.suite import folder

ROOT = Path(__file__).parents[3]
FOLDERS = [
    ROOT / "examples/shop",
    Path(__file__).parent / "semantics",
    *sorted(path.parent for path in folder("scenarios").glob("*/test_*.py") if any(path.parent.glob("*.yaml"))),
]


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.name)
def test_a_first_file_holds(world, intents, path: Path) -> None:
    found = world(path)
    text = first_file(found.view)
    written = read_intents(["-"], io.StringIO(text)) if "\n- " in text else ()
    cases = decided(found.view, list(enumerate(written)))
    assert [f"{one.request}: {one.reason}" for one in cases if one.outcome is not Outcome.PASSED] == []
    schema = yaml.safe_load((ROOT / "docs/schemas/intents.schema.json").read_text())
    if written:
        jsonschema.validate(yaml.safe_load(text), schema)


def test_every_rule_of_the_shop_has_its_intent(shop) -> None:
    cases = decided(shop.view, list(enumerate(read_intents(["-"], io.StringIO(first_file(shop.view))))))
    assert rule_coverage(shop.view.mesh, cases).unreached == ()


APART = """\
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop, annotations: {networking.istio.io/exportTo: "shop,till"}}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: shop}
spec: {host: cart, exportTo: [EXPORTED], subsets: [{name: one, labels: {version: "1"}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: shop}
spec: {hosts: [cart], http: [{route: [{destination: {host: cart, subset: one}}]}]}
"""


def test_clients_are_those_that_see_the_service_of_a_rule(world) -> None:
    text = first_file(world(APART.replace("EXPORTED", '"*"')).view)
    assert 'request: "GET http://cart/"\n  from: "shop"\n  expect: {to: {"one": 100%}' in text


def test_a_subset_that_others_do_not_see_is_named_with_its_rule(world) -> None:
    (case,) = world(APART.replace("EXPORTED", '"."')).cases(
        '- {request: "GET http://cart.shop/", from: till, expect: {to: {one: 100%}}}'
    )
    assert "no DestinationRule defines the subset one of cart.shop for proxies in till" in case.reason
    assert "DestinationRule shop/cart, which does, is not in force for them" in case.reason


@pytest.mark.parametrize("host", ["api.outside.example.com", "*.outside.example.com"])
def test_hosts_outside_are_called_by_their_whole_name(world, host: str) -> None:
    entry = (
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: outside}\n"
        f"spec: {{hosts: ['{host}'], ports: [{{number: 80, name: http, protocol: HTTP}}], resolution: NONE}}\n"
    )
    assert f'expect: {{to: {{"{host}": 100%}}, mirror: none}}' in first_file(world(entry).view)
