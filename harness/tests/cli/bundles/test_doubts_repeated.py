"""What a run leaves repeats its doubts: the command that it names, its folder, and its bundle."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

BROKEN = "kind: VirtualService\nmetadata: {name: other\nspec: ["
KUSTOMIZATION = "resources: [helloworld.yaml, subsets.yaml, route.yaml, other.yaml]\npatches: [{path: patch.yaml}]\n"
PATCH = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: other}\nspec: {http: []}\n"
OTHER = """\
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: other}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other}
spec: {hosts: [other], http: [{route: [{destination: {host: other}}]}]}
"""


def doubts(report: Any) -> list[tuple[str, str]]:
    """The verdicts of what is not understood."""
    return [(one["outcome"], one["reason"]) for one in report["checks"] if one["check"] == "Understood"]


def repeating(out: Path) -> list[str]:
    """The words of the command that repeats a run, without the command's own name."""
    found = re.search(r"^  command: (.*)$", (out / "certificate.yaml").read_text(), re.MULTILINE)
    assert found
    return shlex.split(found[1])[1:]


@pytest.mark.long
@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({"broken.yaml": BROKEN}, "broken.yaml:3:5"),
        ({"kustomization.yaml": KUSTOMIZATION, "patch.yaml": PATCH}, "patch.yaml:1:1"),
    ],
)
def test_a_doubt_is_repeated(place: Any, files: dict[str, str], where: str) -> None:
    folder = place.mesh("spec")
    for name, text in {"other.yaml": OTHER, **files}.items():
        (folder / name).write_text(text)
    first = place.run(*place.verify, "-o", "json", "--output", "out")
    assert first.code == 1, first.err
    (found,) = doubts(first.report)
    assert found[0] == "inconclusive"
    assert f"spec/{where}" in found[1]
    (place.here / "spec").rename(place.here / "gone")

    out = place.here / "out"
    words = repeating(out)
    again = [
        place.run("replay", one, "-o", "json", "--output", f"of-{one.suffix}") for one in (out, out / "bundle.tar.gz")
    ]
    here, place.here = place.here, out
    again.append(place.run(*words, "--output", "again"))
    place.here = here
    assert [(one.code, doubts(one.report)) for one in again] == [(1, [found])] * 3, again[-1].err


def test_a_run_in_which_nothing_could_be_driven_names_its_manifests_in_full(place: Any) -> None:
    folder = place.mesh("spec")
    (folder / "broken.yaml").write_text(BROKEN.replace("other", "helloworld"))
    first = place.run(*place.verify, "-o", "json", "--output", "out")
    place.here, here = place.here / "out", place.here
    again = place.run(*repeating(here / "out"), "--output", "again")
    place.here = here
    ((outcome, reason),) = doubts(again.report)
    assert (again.code, [(outcome, reason.replace(f"{here}/", ""))]) == (1, doubts(first.report)), again.err
