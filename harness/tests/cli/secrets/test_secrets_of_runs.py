"""None of the secrets of a mesh is in what a run leaves or prints."""

from __future__ import annotations

import re
import signal
import urllib.request
from typing import Any

import pytest
from planted_secrets import Planted, assert_nothing, manifests, requests

pytestmark = pytest.mark.long

OTHER = '{"destination": {"host": "helloworld", "subset": "v2"}, "weight": 10}]}]'


@pytest.mark.parametrize(
    "words", [("-o", "json"), ("-o", "junit", "--workers", "2"), ("-o", "gitlab"), ("-o", "github")], ids=" ".join
)
def test_a_run_that_fails(place: Any, plant: Planted, words: tuple[str, ...]) -> None:
    """With `-o json` report.json is what is printed."""
    for folder, (v1, v2) in {"spec": (90, 10), "applied": (50, 50)}.items():
        place.mesh(folder, v1, v2)
        (place.here / folder / "route.yaml").unlink()
    text = manifests(plant)
    (place.here / "spec" / "route.yaml").write_text(text)
    (place.here / "applied" / "route.yaml").write_text(text.replace('"subset": "v1"', '"subset": "v2"'))
    asked = [word for request in requests(plant) for word in ("--request", request)]
    ended = place.run(*place.verify, "--applied", "applied", "--output", "out", *words, *asked)
    assert len(plant.secrets) >= 30
    assert ended.code == 1, ended.err
    assert (place.here / "out" / "report.html").exists()
    assert {"bundle.tar.gz", "certificate.yaml", "certificate.json"} <= {
        one.name for one in (place.here / "out").iterdir()
    }
    assert list((place.here / "out").rglob("config_dump.json"))
    assert_nothing(plant, place, ended)
    again = place.run("replay", "out/bundle.tar.gz", "--output", "out/again", *asked)
    assert again.code == 1, again.err
    assert_nothing(plant, place, again)


def test_what_is_shown_while_a_run_goes_on(planted: Any, plant: Planted) -> None:
    route = planted.here / "spec" / "route.yaml"
    # Shares that take long to be decided.
    route.write_text(route.read_text().replace('"subset": "v1"}}]}]', '"subset": "v1"}, "weight": 90}, ' + OTHER))
    asked = [word for request in requests(plant) for word in ("--request", request)]
    running = planted.start(*planted.verify, "--web", *asked, *planted.endless)
    line = running.until("an address", running.process.stderr.readline)
    address = re.search(r"http://127\S+", line)
    assert address, line
    running.saw("Progress", check="Split")
    pages = [urllib.request.urlopen(address[0] + name, timeout=60).read().decode() for name in ("", "report.html")]
    with urllib.request.urlopen(address[0] + "events", timeout=60) as stream:
        pages += [stream.readline().decode() for _ in range(20)]
    running.signal(signal.SIGINT)
    ended = running.end()
    assert ended.code == 2, ended.err
    assert "helloworld" in pages[1]
    assert plant.found("".join(pages)) == []
    assert_nothing(plant, planted, ended)


@pytest.mark.parametrize("words", [("--list",), ("--sample", "4", "--output", "out")], ids=" ".join)
def test_a_selfcheck(planted: Any, plant: Planted, words: tuple[str, ...]) -> None:
    ended = planted.run("selfcheck", "-f", "spec", *planted.rates, *words)
    assert ended.code in (0, 1), ended.err
    assert "condition-widened" in ended.out or (planted.here / "out" / "selfcheck.json").exists()
    assert_nothing(plant, planted, ended)


def test_what_is_refused(place: Any, plant: Planted) -> None:
    place.mesh("spec")
    for wrong in (
        ("--request", f"GET http://me:{plant('a URL that is refused')}@/x"),
        ("--request", f"nothing authorization:{plant('a header of a request that is refused')}"),
        ("--alpha", f"token={plant('an option that is refused')}"),
        ("--applied", f"https://{plant('a path that is refused')}@x/"),
    ):
        ended = place.run(*place.verify, "--output", "out", *wrong)
        assert ended.code == 4, ended.err
        assert_nothing(plant, place, ended)


def test_in_pytest(place: Any, plant: Planted) -> None:
    suite = place.suite("suite", "one")
    (suite / "route.yaml").write_text(manifests(plant).replace('"subset": "v1"', '"subset": "missing"'))
    ended = place.run_pytest(suite)
    assert ended.code == 1, ended.out + ended.err
    assert_nothing(plant, place, ended)
