"""`meshproof diff` as a person calls it: two folders, two revisions, and a comment for a pull request."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SHOP = Path(__file__).parents[3] / "examples/shop"


@pytest.fixture
def other(place: Any) -> Path:
    """The shop with another canary."""
    folder: Path = place.here / "new"
    shutil.copytree(SHOP, folder)
    _canary(folder)
    return folder


def _canary(folder: Path) -> None:
    routing = folder / "routing.yaml"
    routing.write_text(routing.read_text().replace("weight: 95", "weight: 50").replace("weight: 5\n", "weight: 50\n"))


def test_two_folders(place: Any, other: Path) -> None:
    ended = place.run("diff", str(SHOP), "new")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "all of catalog.shop: catalog.shop/v1 95 %, catalog.shop/v2 5 % → catalog.shop/v1 50 %, catalog.shop/v2 50 % "
        "(new/routing.yaml:10:7)",
        "1 change for requests to 1 host; 1 object differing as written, 75 requests tried",
    ]
    assert place.run("diff", str(SHOP), "new", "--exit-zero").code == 0
    same = place.run("diff", "new", str(other))
    assert (same.code, same.out) == (0, "no change: the manifests say the same\n")


def test_two_folders_with_subfolders(place: Any, other: Path) -> None:
    for folder, whole in (("before", SHOP), ("after", other)):
        shutil.copytree(whole, place.here / folder / "team" / "shop")
    ended = place.run("diff", "before", "after", "-R")
    assert (ended.code, "(after/team/shop/routing.yaml:10:7)" in ended.out) == (1, True)
    assert "all of them with -R" in place.run("diff", "before", "after").err


def test_a_comment_quotes_what_comes_from_manifests(place: Any, other: Path) -> None:
    routing = other / "routing.yaml"
    routing.write_text(
        routing.read_text().replace("x-beta:", "x-beta:\n              regex: '<b>`|'\n            other:")
    )
    out = place.run("diff", str(SHOP), "new", "-o", "markdown").out
    assert out.startswith("**meshproof diff**: 3 changes for requests to 2 hosts;")
    assert "- all of `catalog.shop`: `catalog.shop/v1 95 %, catalog.shop/v2 5 %` → " in out
    found = place.run("diff", str(SHOP), "new", "-o", "json").report
    assert found["same"] is False
    assert found["changes"][0]["after"] == {"file": "new/routing.yaml", "line": 10, "column": 7}


def test_two_revisions_of_a_repository(place: Any) -> None:
    def git(*words: str) -> None:
        own = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *own, *words], cwd=place.here, check=True, capture_output=True)

    shutil.copytree(SHOP, place.here / "k8s")
    # Files of kustomize say the same in both, wherever they stand.
    (place.here / "k8s/a-patch.yaml").write_text("- {op: remove, path: /spec/http/0/timeout}\n")
    (place.here / "k8s/kustomization.yaml").write_text("patches: [{path: a-patch.yaml}, {path: ../b-patch.yaml}]\n")
    (place.here / "b-patch.yaml").write_text("kind: VirtualService\nmetadata: {name: none}\n")
    (place.here / "kustomization.yaml").write_text("resources: [k8s]\nimages: [{name: a, newTag: b}]\nmore: 1\n")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "first")
    _canary(place.here / "k8s")
    git("commit", "-qam", "second")
    (place.here / "k8s/routing.yaml").write_text("what is not committed does not count: [")
    ended = place.run("diff", "--git", "main~1..main", "--", "k8s/")
    assert (ended.code, ended.err) == (1, "")
    assert "catalog.shop/v2 50 % (k8s/routing.yaml:10:7)" in ended.out
    assert place.run("diff", "--git", "HEAD..HEAD", "--", "k8s").code == 0
    one = place.run(
        "diff", "--git", "main~1...", "-o", "json", "--", "k8s/apps.yaml", "k8s/routing.yaml", "k8s/destinations.yaml"
    ).report
    assert [(change["count"], change["all"]) for change in one["changes"]] == [(4, True)]
    swapped = place.run("diff", "--git", "main..main~1", "--", "k8s/")
    assert "catalog.shop/v1 50 %, catalog.shop/v2 50 % → catalog.shop/v1 95 %" in swapped.out
    deep = place.run("diff", "-R", "--git", "main~1..main", "--", ".")
    assert (deep.code, deep.err) == (1, "")
    assert "catalog.shop/v2 50 % (k8s/routing.yaml:10:7)" in deep.out
    # A patch that stands beside the folder is not read, and may change whatever it says.
    assert "a kustomization, which is not built here, changes it (k8s/kustomization.yaml:1:33)" in ended.out
    assert "not understood" not in deep.out
    # One revision alone is held against the files as they are.
    git("checkout", "-q", "main", "--", "k8s/routing.yaml")
    assert place.run("diff", "--git", "main", "--", "k8s/").code == 0
    assert place.run("diff", "--git", "main~1", "--", "k8s/").out == ended.out
    shutil.rmtree(place.here / "k8s")
    gone = place.run("diff", "-o", "json", "--git", "main", "--", "k8s/").report
    assert {change["host"] for change in gone["changes"]} >= {"catalog.shop", "payments.shop"}
    new = place.run("diff", "--git", "main~1..main", "--", "gone/")
    assert (new.code, "neither side has" in new.err, "without -R subfolders are not read" in new.err) == (4, True, True)


OLD = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: one}
spec:
  hosts: [one]
  http:
  - match: [{uri: {prefix: /gone}}]
    redirect: {uri: /here}
  - match: [{uri: {prefix: /papers}}]
    rewrite: {uri: /documents, authority: old.test}
    headers: {request: {set: {x-tenant: a}}, response: {set: {x-from: a}}}
    timeout: 500ms
    retries: {attempts: 1, retryOn: "503"}
    route: [{destination: {host: one}}]
  - route: [{destination: {host: one}}]
"""
NEW = (
    OLD.replace("/here", "/there")
    .replace("/documents, authority: old.test", "/texts, authority: new.test")
    .replace("x-tenant: a", "x-tenant: b")
    .replace("x-from: a", "x-from: b")
    .replace("500ms", "1500ms")
    .replace("attempts: 1", "attempts: 3")
    .replace("  - route: [{destination: {host: one}}]", "  - route: [{destination: {host: two}}]")
)


def test_each_change_is_shown_on_real_envoys(place: Any) -> None:
    for name, text in (("old", OLD), ("new", NEW)):
        (place.here / name).mkdir()
        (place.here / name / "route.yaml").write_text(text)
    found = place.run("diff", "old", "new", "--prove", "-o", "json").report
    shown = {one["about"]: proof for one, proof in zip(found["changes"], found["proofs"], strict=True)}
    assert set(shown) == {
        *("outcome", "path", "Host header", "headers of the request", "headers of the answer"),
        *("timeout", "retries"),
    }
    assert {about: proof["why"] for about, proof in shown.items() if not proof["shown"]} == {}


POLICY = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: NAME}
spec:
  hosts: [NAME]
  http:
  - route: [{destination: {host: NAME}}]
    corsPolicy:
      allowOrigins: [{exact: "https://a.example"}]
      allowMethods: [GET]
      allowHeaders: [x-a]
      exposeHeaders: [x-e]
      maxAge: 10s
---
"""
CORS = {
    "origins": ('[{exact: "https://a.example"}]', '[{exact: "https://a.example"}, {prefix: "https://b."}]'),
    "any-method": ("[GET]", '["*"]'),
    "any-header": ("[x-a]", '["*"]'),
    "exposed-headers": ("[x-e]", "[x-e, x-f]"),
    "age": ("10s", "20s"),
    "credentials": ("maxAge: 10s", "maxAge: 10s\n      allowCredentials: true"),
    "unmatched-preflights": ("maxAge: 10s", "maxAge: 10s\n      unmatchedPreflights: IGNORE"),
}


def test_each_change_of_a_cors_policy_is_shown_on_real_envoys(place: Any) -> None:
    """One host for each."""
    for side in ("old", "new"):
        policies = (POLICY.replace(*change) if side == "new" else POLICY for change in CORS.values())
        text = "".join(policy.replace("NAME", name) for name, policy in zip(CORS, policies, strict=True))
        (place.here / side).mkdir()
        (place.here / side / "routes.yaml").write_text(text)
    found = place.run("diff", "old", "new", "--prove", "-o", "json").report
    assert {one["host"].partition(".")[0] for one in found["changes"]} == set(CORS)
    assert len(found["proofs"]) == len(found["changes"])
    assert [proof["why"] for proof in found["proofs"] if not proof["shown"]] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name two folders or files, OLD and NEW"),
        (("a",), "name two folders or files, OLD and NEW"),
        (("gone", "gone"), "there is no such file or folder"),
        (("--git", "..main", "--", "k8s"), "it is written BASE..HEAD"),
        (("--git", "--output=x", "--", "k8s"), "it is written BASE..HEAD"),
        (("--git", "--output=x..HEAD", "--", "k8s"), "it is written BASE..HEAD"),
        (("--git", "a..b"), "say which files or folders"),
        (("--git", "a..b", "--", "k8s"), "this is no git repository"),
    ],
)
def test_wrong_words_are_told(place: Any, words: tuple[str, ...], told: str) -> None:
    ended = place.run("diff", *words)
    assert ended.code == 4
    assert told in ended.err
