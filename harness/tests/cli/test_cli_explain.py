"""`meshproof explain` as a person calls it: the shop, odd input, and nothing that is started for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

SHOP = Path(__file__).parents[3] / "examples/shop"


def test_the_rule_that_takes_a_request_and_why_the_one_before_it_does_not(place: Any) -> None:
    ended = place.run("explain", "-f", str(SHOP), "GET http://reviews.shop/x", "-H", "x-beta: no")
    assert ended.code == 0
    assert f"reviews.shop/stable 100 %, by the rule at {SHOP}/routing.yaml:35:7" in ended.out
    assert "headers x-beta must be exactly 'yes', and is 'no'" in ended.out
    assert 'routing.yaml:32:15  | exact: "yes"' in ended.out
    assert ended.err == ""
    assert list(place.here.iterdir()) == []


def test_documents_hold_the_same_as_the_text(place: Any) -> None:
    words = ("explain", "-f", str(SHOP), "POST", "http://api.example.com/checkout", "--gateway", "shop/entry")
    found = place.run(*words, "-o", "json").report
    assert [one["outcome"] for one in found["rules"]] == ["missed", "taken", "after", "after"]
    assert found["rules"][0]["condition"]["says"] == "uri must begin with '/catalog/', and is '/checkout'"
    assert yaml.safe_load(place.run(*words, "-o", "yaml").out) == found


def test_nobody_answers_and_what_may_have_been_meant_is_told(place: Any) -> None:
    ended = place.run("explain", "-f", str(SHOP), "http://revews.shop/x")
    assert ended.code == 1
    assert "did you mean reviews.shop?" in ended.out


def test_what_envoy_gets_of_a_request_is_its_virtual_host_and_the_clusters_that_this_leads_to(place: Any) -> None:
    words = ("explain", "-f", str(SHOP), "-o", "envoy")
    found = place.run(*words, "http://reviews.shop/x").report
    (table,) = found["routes"]
    assert [one["name"] for one in table["virtual_hosts"]] == ["reviews.shop.svc.cluster.local:80"]
    assert [one["name"] for one in found["clusters"]] == [
        "outbound|80|stable|reviews.shop.svc.cluster.local",
        "outbound|80|beta|reviews.shop.svc.cluster.local",
    ]
    endpoint = found["endpoints"][0]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    assert endpoint["hostname"] == "reviews-v1-0"
    everything = place.run(*words, "--all", "http://reviews.shop/x").report
    assert len(everything["routes"][0]["virtual_hosts"]) == 11
    entering = place.run(*words, "http://shop.example.com/cart/x").report
    assert [one["name"] for one in entering["routes"][0]["virtual_hosts"]] == ["shop.example.com:80"]


def test_two_folders_side_by_side_show_what_differs(place: Any) -> None:
    other = place.here / "other"
    shutil.copytree(SHOP, other)
    routing = other / "routing.yaml"
    routing.write_text(
        "# a line more\n" + routing.read_text().replace("weight: 95", "weight: 90").replace(": 5\n", ": 10\n")
    )
    words = ("explain", "-f", str(SHOP), "--diff", str(other))
    ended = place.run(*words, "http://catalog.shop/x")
    assert ended.code == 0
    changed = [line for line in ended.out.splitlines() if line[:1] in ("-", "+")]
    assert len(changed) == 6
    assert changed[0].startswith("-   catalog.shop/v1 95 %, catalog.shop/v2 5 %")
    assert changed[1].startswith("+   catalog.shop/v1 90 %, catalog.shop/v2 10 %")
    assert place.run(*words, "http://cart.shop/x").out.endswith("the same by both\n")
    both = place.run(*words, "http://catalog.shop/x", "-o", "json").report
    assert [both[side]["destinations"][0]["share"] for side in ("first", "second")] == [0.95, 0.9]


def test_a_request_that_is_sent_ends_as_predicted(place: Any) -> None:
    words = ("explain", "-f", str(SHOP), "--send", "40", "http://recommendations.shop/x")
    ended = place.run(*words)
    assert ended.code == 0
    assert "sent 40 times through Envoy: as predicted" in ended.out
    assert "copied to recommendations.shop/v2" in ended.out
    assert list(place.here.iterdir()) == []


@pytest.mark.parametrize(
    "words", [("--all",), ("-o", "envoy", "--send", "3"), ("--send", "3", "--diff", "."), ("-o", "yaml", "--diff", ".")]
)
def test_options_that_do_not_go_together_are_refused(place: Any, words: tuple[str, ...]) -> None:
    assert place.run("explain", "-f", str(SHOP), "http://cart.shop/", *words).code == 4


def test_standard_input_is_quoted_too(place: Any) -> None:
    texts = "---\n".join((SHOP / name).read_text() for name in ("apps.yaml", "destinations.yaml", "routing.yaml"))
    ended = place.run("explain", "-f", "-", "http://reviews.shop/x", "x-beta:yes", stdin=texts)
    assert ended.code == 0
    assert "reviews.shop/beta 100 %, by the rule at <stdin>:" in ended.out
    assert "| - headers:" in ended.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-f", "empty", "http://a/"), "the folder has no .yaml"),
        (("-f", "gone", "http://a/"), "there is no such file or folder"),
        (("-f", "broken.yaml", "http://a/"), "broken.yaml:2:1: this is not YAML"),
        (("-f", str(SHOP), "a"), "has no URL"),
        (("-f", str(SHOP), "http://a/", "-H", "b"), "-H 'b' is no header"),
        (("-f", str(SHOP), "http://reviews/", "--from", "shop/nobody"), "there is no workload shop/nobody"),
    ],
)
def test_wrong_input_is_told(place: Any, words: tuple[str, ...], told: str) -> None:
    (place.here / "empty").mkdir()
    (place.here / "broken.yaml").write_text("a: [")
    ended = place.run("explain", *words)
    assert ended.code == 4
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_what_drives_a_terminal_is_shown_as_text(place: Any) -> None:
    text = (SHOP / "routing.yaml").read_text().replace('exact: "yes"', 'exact: "\\e[31m\\u202e"')
    (place.here / "a.yaml").write_text(text)
    ended = place.run("explain", "-f", "a.yaml", "http://reviews.shop/x")
    assert "must be exactly '\\x1b[31m\\u202e" in ended.out


def test_nothing_is_loaded_that_starts_a_mesh() -> None:
    code = f"import sys\nsys.argv = ['meshproof', 'explain', '-f', {str(SHOP)!r}, 'http://reviews.shop/x']\n"
    code += "from meshproof.cli import main\ntry:\n    main()\nexcept SystemExit:\n    print(*sys.modules)\n"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ended.stdout.splitlines()[-1].split()
    heavy = ("meshproof.targets", "meshproof.envoy", "meshproof.run", "meshproof.judge", "asyncio", "grpc", "google.pr")
    assert "meshproof.explain.explained" in loaded
    assert [name for name in loaded if name.startswith((*heavy, "subprocess", "rich", "cryptography", "ssl"))] == []


def test_what_is_not_understood_is_no_success(place: Any) -> None:
    folder = place.mesh("spec")
    words = ("explain", "-f", "spec", "GET http://helloworld:5000/hello")
    assert place.run(*words).code == 0
    (folder / "filter.yaml").write_text(
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: odd}\nspec: {}\n"
    )
    ended = place.run(*words)
    assert ended.code == 1
    assert "filter.yaml:1:1" in ended.out
