"""Several DestinationRules for one host: which of them a client has, by exportTo, workloadSelector and age."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.mesh.predict.policies.destination_rules import rules
from meshproof.mesh.predict.prediction import predict

HOST = "greeter.default.svc.cluster.local"
OLDER, NEWER = "2026-05-01T10:00:00Z", "2026-05-02T10:00:00Z"


def rule(name: str, entries: str, made: str, *, namespace: str = "default", app: str = "", host: str = HOST) -> str:
    """A DestinationRule with a subset and a connect timeout of its own; `name` is that of its subset, too."""
    exported = f"  exportTo: {entries}\n" if entries else ""
    selector = f"  workloadSelector: {{matchLabels: {{app: {app}}}}}\n" if app else ""
    return (
        f"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
        f'metadata: {{name: {name}, namespace: {namespace}, creationTimestamp: "{made}"}}\n'
        f"spec:\n  host: '{host}'\n  subsets: [{{name: {name}, labels: {{version: v1}}}}]\n"
        f"  trafficPolicy: {{connectionPool: {{tcp: {{connectTimeout: {len(name)}s}}}}}}\n{exported}{selector}"
    )


@pytest.fixture
def seen(built):
    """The subsets that a client has, and the connect timeout in seconds (0: none)."""

    def of(text: str, namespace: str = "default", **labels: str) -> tuple[list[str], float]:
        mesh = built(text).mesh
        service = mesh.service(HOST)
        found = [one for one in rules(mesh, service, namespace, labels) if one.name != "greeter"]
        subsets = [subset.name for one in found for subset in one.subsets]
        pools = [one.policy.connection_pool for one in found if one.policy.connection_pool]
        return subsets, pools[0].connect_timeout if pools else 0.0

    return of


@pytest.fixture
def built(built):
    """The greeter's mesh without its own DestinationRule."""

    def make(text: str = "", **named):
        found = built(text, **named)
        kept = tuple(one for one in found.mesh.destination_rules if one.name != "greeter")
        return replace(found, mesh=replace(found.mesh, destination_rules=kept))

    return make


@pytest.mark.parametrize(
    ("older", "newer", "here", "elsewhere"),
    [
        ("", "", (["a", "bb"], 1.0), (["a", "bb"], 1.0)),
        ("", "['*']", (["bb"], 2.0), (["bb"], 2.0)),
        ("['*']", "[.]", (["bb"], 2.0), (["a"], 1.0)),
        ("[.]", "[., shop]", (["a", "bb"], 1.0), (["bb"], 2.0)),
        ("[shop]", "[., shop]", (["bb"], 2.0), (["a", "bb"], 1.0)),
        ("[., shop]", "[shop]", (["a"], 1.0), (["bb"], 2.0)),
        ("[.]", "[default]", (["bb"], 2.0), ([], 0.0)),
    ],
)
def test_rules_that_are_exported_alike_are_merged_and_of_others_the_last_counts(
    seen, older: str, newer: str, here, elsewhere
) -> None:
    text = rule("bb", newer, NEWER) + rule("a", older, OLDER)
    assert seen(text) == here
    assert seen(text, "shop") == elsewhere


def test_without_ages_the_first_of_the_files_is_the_older(seen) -> None:
    text = (rule("bb", "", NEWER) + rule("a", "", OLDER)).replace(f', creationTimestamp: "{NEWER}"', "")
    text = text.replace(f', creationTimestamp: "{OLDER}"', "")
    assert seen(text) == (["bb", "a"], 2.0)


def test_a_rule_with_a_selector_is_for_the_clients_of_its_namespace_with_these_labels(seen) -> None:
    for general in (OLDER, NEWER):
        text = rule("a", "", general) + rule("bb", "", NEWER if general == OLDER else OLDER, app="special")
        assert seen(text, app="special") == (["bb"], 2.0)
        assert seen(text, app="other") == (["a"], 1.0)
        assert seen(text, "shop", app="special") == (["a"], 1.0)


@pytest.mark.parametrize("special", ["", "[.]", "[default]"])
def test_a_general_rule_for_its_own_namespace_is_swallowed_by_one_with_a_selector(seen, special: str) -> None:
    text = rule("a", "[.]", OLDER) + rule("bb", special, NEWER, app="special")
    assert seen(text, app="special") == (["bb", "a"], 2.0)
    assert seen(text, app="other") == ([], 0.0)


def test_two_selectors_stay_apart_unless_they_are_the_same(seen) -> None:
    text = rule("a", "", OLDER, app="one") + rule("bb", "", NEWER, app="two")
    assert seen(text, app="one") == (["a"], 1.0)
    assert seen(text, app="two") == (["bb"], 2.0)
    same = rule("a", "", OLDER, app="one") + rule("bb", "", NEWER, app="one")
    assert seen(same, app="one") == (["a", "bb"], 1.0)
    assert seen(same, app="two") == ([], 0.0)


def test_what_a_place_keeps_to_itself_leaves_room_for_the_next_place(seen) -> None:
    text = rule("a", "[.]", OLDER) + rule("bb", "", NEWER, namespace="istio-system")
    assert seen(text) == (["a"], 1.0)
    assert seen(text, "shop") == (["bb"], 2.0)


def test_a_more_specific_rule_for_others_hides_a_wider_one_of_its_place(seen) -> None:
    text = rule("a", "[other]", OLDER) + rule("bb", "", NEWER, host="*.default.svc.cluster.local")
    text += rule("ccc", "", NEWER, namespace="istio-system")
    assert seen(text, "other") == (["a"], 1.0)
    assert seen(text, "shop") == (["ccc"], 3.0)


def test_clients_in_istios_own_namespace_have_what_it_keeps_to_itself_first(seen) -> None:
    text = rule("a", "", OLDER) + rule("bb", "[.]", NEWER, namespace="istio-system")
    assert seen(text, "istio-system") == (["bb"], 2.0)
    public = rule("a", "", OLDER) + rule("bb", "", NEWER, namespace="istio-system")
    assert seen(public, "istio-system") == (["a"], 1.0)


def test_a_prediction_goes_by_the_labels_of_its_client(built) -> None:
    route = (
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\n"
        "spec:\n  hosts: [greeter]\n  http: [{route: [{destination: {host: greeter, subset: bb}}]}]\n"
    )
    mesh = built(rule("a", "", OLDER) + rule("bb", "", NEWER, app="special") + route).mesh
    asked = parse("http://greeter:5000/")
    (special,) = predict(mesh, asked, source("default", {"app": "special"})).arms
    (other,) = predict(mesh, asked, source("default", {"app": "other"})).arms
    assert special.workloads == {"default/greeter-v1"}
    assert special.policy.pool is not None
    assert special.policy.pool.connect_timeout == 2.0
    assert "no DestinationRule defines the subset bb" in other.note
