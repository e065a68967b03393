"""Each operator finds its places, makes its change, and changes nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import Resource, kinds
from meshproof.manifest.schema import check
from meshproof.mesh.build.assemble import build
from meshproof.mutate import OPERATORS, Mutant, mutants
from meshproof.mutate.edit import plain
from meshproof.mutate.operator import Around

Rules = Callable[[str], Sequence[Resource]]

SPLIT = """\
  - route:
    - {destination: {host: shop, subset: v1}, weight: 90}
    - {destination: {host: shop, subset: v2}, weight: 10}
"""


def found(resources: Sequence[Resource], operator: str) -> list[Mutant]:
    return [one for one in mutants(resources, resources) if one.operator == operator]


def whats(resources: Sequence[Resource], operator: str) -> list[str]:
    return [one.what for one in found(resources, operator)]


def route(mutant: Mutant) -> object:
    assert mutant.resource is not None
    return plain(mutant.resource.body)["spec"]["http"][0]


@pytest.fixture(scope="module")
def mutants_of_everything(everything: Sequence[Resource]) -> Sequence[Mutant]:
    return tuple(mutants(everything, everything))


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda one: one.name)
def test_every_operator_finds_a_place(everything, operator):
    assert any(list(operator.mutants(one, Around(tuple(everything)))) for one in everything)


def test_operators_have_different_names():
    assert len({one.name for one in OPERATORS}) == len(OPERATORS)


def test_the_page_on_self_checks_tells_every_operator():
    page = (Path(__file__).parents[3] / "docs/selfcheck.md").read_text()
    assert [one.name for one in OPERATORS if f"`{one.name}`" not in page] == []


def test_the_whole_base_is_a_mesh(everything):
    build(everything)


def test_a_mutant_changes_one_resource_and_keeps_its_schema(everything, mutants_of_everything):
    for mutant in mutants_of_everything:
        changed = mutant.apply(everything)
        before = {one.identity: one for one in everything}
        other = [one for one in changed if one is not before[one.identity]]
        assert len(changed) == len(everything) - (mutant.resource is None), mutant
        assert len(other) == (mutant.resource is not None), mutant
        for one in other:
            assert one.identity == mutant.original.identity
            assert plain(one.body) != plain(mutant.original.body), mutant
            check(one.body, kinds.SCHEMAS[kinds.entry_of(one)])


def test_a_mutant_has_a_line_of_its_resource(everything, mutants_of_everything):
    starts = sorted(one.location.line for one in everything)
    for mutant in mutants_of_everything:
        first = mutant.original.location.line
        end = next((line for line in starts if line > first), 10_000)
        assert first <= mutant.location.line < end, mutant


def test_no_two_mutants_are_the_same(mutants_of_everything):
    made = [repr(mutant.resource and plain(mutant.resource.body)) for mutant in mutants_of_everything]
    kept = [one for one in made if one != "None"]
    assert len(kept) == len(set(kept))


def test_the_original_is_untouched(everything):
    before = [plain(one.body) for one in everything]
    list(mutants(everything, everything))
    assert [plain(one.body) for one in everything] == before


@pytest.mark.long
def test_most_mutants_are_meshes_that_istiod_accepts(everything, mutants_of_everything):
    refused = []
    for mutant in mutants_of_everything:
        try:
            build(mutant.apply(everything))
        except ManifestError:
            refused.append(mutant.operator)
    # Without their attempts retries are refused, without TLS an HTTPS server; a ServiceEntry with * or a number twice;
    # two listeners for all hosts.
    entries = {f"entry-{one}" for one in ("host-widened", "port-wrong", "port-dropped", "protocol-wrong")}
    # The hosts of a VirtualService cover the names of its TLS rules.
    entries |= {"host-wrong", "host-narrowed"}
    assert set(refused) <= {"host-widened", "tls-redirect-dropped", "listener-hostname-dropped", *entries}, refused


def test_weights_go_to_the_neighbour_and_back(rules: Rules):
    shifted = found(rules(SPLIT), "weights-shifted")
    assert [one.what for one in shifted] == [
        "weights 90, 10 → 85, 15",
        "weights 90, 10 → 95, 5",
        "weights 90, 10 → 80, 20",
        "weights 90, 10 → 100, 0",
        "weights 90, 10 → 70, 30",
    ]
    weights = [one["weight"] for one in route(shifted[0])["route"]]
    assert weights == [85, 15]
    assert whats(rules(SPLIT), "weights-swapped") == ["weights 90, 10 → 10, 90"]


def test_a_lone_destination_has_no_weight(rules: Rules):
    lone = rules("  - route: [{destination: {host: shop, subset: v1}, weight: 50}]\n")
    assert not found(lone, "weights-shifted")
    assert not found(lone, "destination-dropped")


def test_weights_of_another_sum_are_shifted_in_proportion(rules: Rules):
    thirds = SPLIT.replace("90", "150").replace("10}", "50}")
    assert "weights 150, 50 → 140, 60" in whats(rules(thirds), "weights-shifted")


MIRRORS = "  - route: [{destination: {host: shop, subset: v1}}]\n    mirror: {host: shop, subset: v2}\n"


@pytest.mark.parametrize(
    ("share", "halved", "all_of_them"),
    [
        ("mirrorPercentage: {value: 10}", 5, 4),
        ("mirrorPercent: 10", 5, 4),
        ("mirror_percent: 10", 5, 4),
        ("", 50, 3),
    ],
)
def test_a_mirror_has_its_share_changed_in_every_spelling(rules: Rules, share, halved, all_of_them):
    changed = found(rules(f"{MIRRORS}    {share}\n"), "mirror-share-changed")
    assert route(changed[0])["mirrorPercentage"] == {"value": halved}
    assert not {"mirrorPercent", "mirror_percent"} & set(route(changed[0]))
    assert len(changed) == all_of_them + (share != "")


def test_a_mirror_is_dropped_with_its_share_and_doubled_with_it(rules: Rules):
    several = rules(f"{MIRRORS}    mirrorPercent: 10\n")
    assert set(route(found(several, "mirror-dropped")[0])) == {"route"}
    doubled = route(found(several, "mirror-doubled")[0])
    one = {"destination": {"host": "shop", "subset": "v2"}, "percentage": {"value": 10}}
    assert doubled["mirrors"] == [one, one]
    assert "mirror" not in doubled


def test_each_of_several_mirrors_is_mutated(rules: Rules):
    several = rules(
        "  - route: [{destination: {host: shop, subset: v1}}]\n"
        "    mirrors:\n    - destination: {host: shop, subset: v2}\n"
        "    - {destination: {host: shop, subset: v1}, percentage: {value: 10}}\n"
    )
    assert [route(one)["mirrors"] for one in found(several, "mirror-dropped")] == [
        [{"destination": {"host": "shop", "subset": "v1"}, "percentage": {"value": 10}}],
        [{"destination": {"host": "shop", "subset": "v2"}}],
    ]
    assert len(route(found(several, "mirror-doubled")[1])["mirrors"]) == 3


def test_subsets_are_those_of_the_destinations_own_host(rules: Rules):
    exchanged = found(rules(SPLIT), "destination-subset-exchanged")
    assert [one.what for one in exchanged] == ["subset 'v1' → 'v2'", "subset 'v2' → 'v1'"]
    foreign = rules("  - route: [{destination: {host: other, subset: v1}}]\n")
    assert not found(foreign, "destination-subset-exchanged")


def test_a_path_is_widened_and_narrowed(rules: Rules):
    paths = rules(
        "  - match: [{uri: {prefix: /status}}]\n    route: [{destination: {host: shop}}]\n"
        "  - match: [{uri: {exact: /get}}]\n    route: [{destination: {host: shop}}]\n"
    )
    assert whats(paths, "condition-widened") == [
        "uri prefix '/status' → prefix '/statu'",
        "uri prefix '/status' → prefix '/'",
        "uri exact '/get' → prefix '/get'",
    ]
    assert whats(paths, "condition-narrowed") == [
        "uri prefix '/status' → exact '/status'",
        "uri prefix '/status' → prefix '/statusx'",
        "uri exact '/get' → exact '/getx'",
    ]
    assert whats(paths, "rules-swapped") == ["rules 1 and 2 swapped"]


def test_limits_are_raised_lowered_and_dropped(everything):
    assert "maxConnections 2 → 3" in whats(everything, "limit-raised")
    assert "maxConnections 2 → 20" in whats(everything, "limit-raised")
    assert "maxConnections 2 → 1" in whats(everything, "limit-lowered")
    # A limit of 0 is none, which is dropped already.
    assert "maxRetries 1 → 0" not in whats(everything, "limit-lowered")
    assert "interval '1s' → '3000ms'" in whats(everything, "outlier-time-changed")


def test_tls_is_only_ever_weakened(everything):
    assert whats(everything, "tls-mode-weakened") == ["tls mode MUTUAL → OPTIONAL_MUTUAL", "tls mode MUTUAL → SIMPLE"]
    assert whats(everything, "credential-exchanged") == ["credentialName 'one' → 'other'"]


def test_only_own_resources_are_mutated(everything):
    own = [one for one in everything if one.kind == "DestinationRule"]
    assert {one.original.kind for one in mutants(own, everything)} == {"DestinationRule"}
