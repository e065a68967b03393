"""What is in doubt in a run is in doubt where the manifests that the run keeps are verified again: the same one."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from meshproof.border.request import Request, parse
from meshproof.border.verdict import Precision
from meshproof.judge.coverage.coverage import examinations
from meshproof.manifest.source import beneath
from meshproof.run.keep import files, keep_manifests
from meshproof.run.verification.verification import Verification, prepare_verification

SHOP = """\
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {selector: {app: NAME}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template: {metadata: {labels: {app: NAME}}, spec: {containers: [{name: c, image: example/shop}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: NAME}
spec: {hosts: [NAME], http: [{route: [{destination: {host: NAME}}]}]}
---
"""
# Of these two only web is ever in doubt: something is driven in each run.
BASE = SHOP.replace("NAME", "web") + SHOP.replace("NAME", "sure")
THIRD = SHOP.replace("NAME", "third")
SERVICE = THIRD.partition("---\n")[0]
EDGE = """\
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [web.example], tls: {mode: MODE, credentialName: cert}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge}
spec: {hosts: [web.example], gateways: [edge], http: [{route: [{destination: {host: web}}]}]}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: cert, namespace: istio-system}\n"


def of(kind: str, spec: str, version: str = "networking.istio.io/v1", metadata: str = "name: web") -> dict[str, str]:
    return {"a.yaml": f"apiVersion: {version}\nkind: {kind}\nmetadata: {{{metadata}}}\nspec: {spec}\n"}


def operator(said: str) -> dict[str, str]:
    return of("IstioOperator", said, "install.istio.io/v1alpha1")


PATCH = of("VirtualService", "{http: [{timeout: 1s}]}")["a.yaml"]
ROUTE = "{hosts: [web], http: [{timeout: 1s, route: [{destination: {host: web}}]}]}"
SELECTED = "{selector: {matchLabels: {app: web}}"
AWAY = ", namespace: away"
FAR = THIRD.replace("metadata: {name: third}", f"metadata: {{name: third{AWAY}}}").replace(
    "[third]", "[third.away.svc.cluster.local]"
)
FILTER = "configPatches: [{applyTo: HTTP_FILTER, patch: {operation: REMOVE}}]"
DOUBTS: dict[str, dict[str, str | bytes]] = {
    "no YAML": {"a.yaml": "kind: VirtualService\nmetadata: {name: web\nspec: ["},
    "no YAML, with the host of another text": {"a.yaml": "kind: VirtualService\nspec: [web.default.svc.cluster.local"},
    "no UTF-8": {"a.yaml": "kind: VirtualService\nmetadata: {name: web}\n".encode("utf-16")},
    "a Helm template": {"a.yaml": "kind: Service\nmetadata: {name: web{{ .Values.name }}}\n"},
    "a name from a Helm template": of("VirtualService", ROUTE, metadata="name: 'web{{ .Values.name }}'"),
    "no kind": {"a.yaml": "apiVersion: networking.istio.io/v1\nmetadata: {name: web}\n"},
    "no name": {"a.yaml": "apiVersion: networking.istio.io/v1\nkind: VirtualService\nspec: {hosts: [web]}\n"},
    "a mistyped kind": of("VirtualServise", ROUTE),
    "a version that there is not": of("VirtualService", ROUTE, "networking.istio.io/v2"),
    "a field that there is not": of("VirtualService", ROUTE.replace("hosts", "host"), metadata="name: more"),
    "a key that is given twice": of("DestinationRule", "{host: sure, host: web}"),
    "an object that is given twice": of("VirtualService", ROUTE),
    "a rule that istiod refuses": of("VirtualService", "{hosts: [web], http: [{route: []}]}", metadata="name: more"),
    "a field that is not modelled": of("DestinationRule", "{host: web, trafficPolicy: {proxyProtocol: {version: V2}}}"),
    "an EnvoyFilter": of("EnvoyFilter", f"{{workloadSelector: {{labels: {{app: web}}}}, {FILTER}}}"),
    "an EnvoyFilter for pods that stand in": of(
        "EnvoyFilter", f"{{workloadSelector: {{labels: {{app: third, tier: front}}}}, {FILTER}}}"
    )
    | {"third.yaml": SERVICE},
    "a WasmPlugin": of("WasmPlugin", f"{SELECTED}}}", "extensions.istio.io/v1alpha1"),
    "a RequestAuthentication": of("RequestAuthentication", f"{SELECTED}, jwtRules: [4]}}", "security.istio.io/v1"),
    "a NetworkPolicy": of("NetworkPolicy", "{podSelector: {matchLabels: {app: web}}}", "networking.k8s.io/v1"),
    "another controller's kind": of("Canary", "{targetRef: {name: web}}", "flagger.app/v1beta1"),
    "what was not read of a cluster": of("NotRead", "{what: a route, hosts: [web]}", "meshproof.dev/v1alpha1"),
    "a file of a patch": {"kustomization.yaml": "patches: [{path: patch.yaml}]\n", "patch.yaml": PATCH},
    "a patch by its target": {
        "kustomization.yaml": "resources: [base.yaml]\npatches: [{target: {kind: Service, name: we.*}, patch: -}]\n",
        "base.yaml": BASE.partition(SHOP.replace("NAME", "sure"))[0],
        "sure.yaml": SHOP.replace("NAME", "sure"),
    },
    "a patch of what stands in": {
        "kustomization.yaml": "patches: [{path: patch.yaml}]\n",
        "patch.yaml": of("Deployment", "{selector: {matchLabels: {v: x}}}", "apps/v1", "name: third")["a.yaml"],
        "third.yaml": SERVICE,
    },
    "a tree with a patch": {
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "base/web.yaml": THIRD,
        "over/kustomization.yaml": "resources: [../base]\npatches: [{path: patch.yaml}]\n",
        "over/patch.yaml": PATCH.replace("name: web", "name: third"),
    },
    "a certificate that cannot be used": {
        "a.yaml": SECRET + "stringData: {tls.crt: none, tls.key: none}\n" + EDGE.replace("MODE", "SIMPLE")
    },
    "a certificate that is not base64": {
        "a.yaml": SECRET + "data: {tls.crt: '%', tls.key: '%'}\n" + EDGE.replace("MODE", "SIMPLE")
    },
    "whose certificates are accepted": {"a.yaml": EDGE.replace("MODE", "MUTUAL")},
    "a namespace whose labels stand nowhere": operator(
        "{meshConfig: {discoverySelectors: [{matchLabels: {kubernetes.io/metadata.name: default}}, "
        "{matchLabels: {mesh: 'on'}}]}}"
    )
    | {"third.yaml": FAR},
    "a Service that istiod does not see": operator(
        "{meshConfig: {discoverySelectors: [{matchLabels: {kubernetes.io/metadata.name: default}}]}}"
    )
    | {
        "far.yaml": FAR.partition("---")[0]
        + "---\n"
        + FAR.rpartition("---\n")[0].rpartition("---\n")[2].replace(AWAY, "")
    },
}
NOT_REFUSED = (
    "{}",
    "{place: 'a:1:1', problems: [], words: [], digest: ''}",
    "{place: a, problems: [{place: 'a:1:1', message: m}], words: [], digest: ''}",
    "{place: 'a:1:1', problems: [{place: 'a:1:1', message: m}], object: {}}",
    "{place: 'a:1:1', problems: [{place: 'a:1:1', message: m}], words: []}",
)
NOT_PATCHED = ("{place: 'a:1:1', objects: []}", "{place: 'a:0:1', objects: [{kind: Service, namespace: x, name: x}]}")
IN_DOUBT = ("Understood", "inconclusive")
# What touches every request: nothing is driven but for a kind that a person allowed.
ALLOWED = {
    "a field of the mesh's configuration": ("IstioOperator", operator("{meshConfig: {rootNamespace: other}}")),
    "a variable of istiod": ("IstioOperator", operator("{values: {pilot: {env: {PILOT_SOMETHING: 'true'}}}}")),
    "the mesh's ConfigMap": (
        "ConfigMap",
        of("ConfigMap", "{}\ndata: {mesh: 7}", "v1", "name: istio, namespace: istio-system"),
    ),
    "an unknown kind of Istio": ("Foo", of("Foo", "{}")),
    "a patch": ("VirtualService", DOUBTS["a file of a patch"]),
}


@dataclass(frozen=True)
class Told:
    """What is proved and what not: each doubt with its reason and its requests, and what is sent."""

    outcomes: list[tuple[str, str]]
    doubts: Counter[tuple[Any, ...]]
    sent: tuple[str, ...]


def told(found: Verification) -> Told:
    facts = found.coverage
    doubts = Counter(
        (one.subject, re.sub(r"\S+\.yaml:[\d:]+\d", "PLACE", one.why), one.needs, one.requests, one.allowed)
        for one in facts.dependences
    )
    sent = tuple(str(one) for load in found.driven for one in load.load.requests)
    outcomes = sorted((type(one).__name__, one.judge(facts).outcome.value) for one in examinations(facts))
    return Told(outcomes, doubts, sent)


def verified(paths: list[str], requests: tuple[Request, ...] = (), applied: tuple[str, ...] = (), **more: Any) -> Any:
    return prepare_verification(paths, applied, requests, Precision(), any_client=True, **more)


def written(here: Path, several: dict[str, str | bytes]) -> list[str]:
    folder = here / "k8s"
    for name, text in ({"base.yaml": BASE} | several).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return [str(one) for one in beneath(["k8s"])] if any("/" in name for name in several) else ["k8s"]


def again(found: Verification, **more: Any) -> Verification:
    """The same of what the run keeps, in its folder."""
    load = found.driven[0]
    keep_manifests(Path(), load, [one for each in found.coverage.dependences for one in each.requests])
    applied, specified = files(load)
    return verified([specified], applied=() if applied == specified else (applied,), **more)


def places(found: Verification) -> set[str]:
    return {str(one.location) for one in found.coverage.dependences if one.requests}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", DOUBTS)
def test_a_doubt_is_the_same_in_what_a_run_keeps(here: Path, name: str) -> None:
    found = verified(written(here, DOUBTS[name]))
    assert "inconclusive" in dict(told(found).outcomes).values()
    assert told(again(found)) == told(found)


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed_is_allowed_again_and_in_doubt_where_it_is_not(here: Path, name: str) -> None:
    kind, several = ALLOWED[name]
    paths, allowed = written(here, several), frozenset({kind})
    strictly, found = verified(paths), verified(paths, allowed=allowed)
    assert {one.kind for one in strictly.coverage.dependences} == {kind}
    assert IN_DOUBT in told(strictly).outcomes
    assert told(again(found, allowed=allowed)) == told(found)
    assert told(again(found)).outcomes == told(strictly).outcomes


@pytest.mark.parametrize(
    "name", ["no YAML", "no UTF-8", "a mistyped kind", "a file of a patch", "a patch by its target"]
)
def test_what_was_never_read_is_named_where_it_stood(here: Path, name: str) -> None:
    found = verified(written(here, DOUBTS[name]))
    assert places(again(found)) == places(found) != set()


@pytest.mark.parametrize("name", ["no YAML", "a file of a patch", "a certificate that cannot be used"])
def test_a_doubt_about_what_is_applied_is_kept_too(here: Path, name: str) -> None:
    paths = written(here, DOUBTS[name])
    (here / "spec.yaml").write_text(BASE + str(DOUBTS[name].get("a.yaml", "")) * ("Secret" in name))
    found = verified(["spec.yaml"], applied=tuple(paths))
    if "certificate" not in name:
        assert IN_DOUBT in told(found).outcomes
    assert told(again(found)) == told(found)


def test_a_request_that_only_a_text_names_is_in_doubt_again(here: Path) -> None:
    """Both the text and the request know a host of which the Gateway knows no more than a pattern."""
    edge = EDGE.replace("web.example", '"*"').replace("MODE", "SIMPLE")
    text = {"a.yaml": edge, "b.yaml": "kind: VirtualService\nmetadata: {name: x\nspec: {hosts: [shop.example"}
    found = verified(written(here, text))
    load = found.driven[0]
    keep_manifests(Path(), load, ())
    asked = (parse("GET https://shop.example/"), parse("GET https://free.example/"))
    known = verified([files(load)[1]], asked)
    assert [one.requests for one in known.coverage.dependences] == [(f"{asked[0]} (by gateway default/edge)",)]


def test_no_more_is_kept_of_a_text_than_names_that_stand_elsewhere_too(here: Path) -> None:
    text = "kind: Secret\nmetadata: {name: web\nstringData: {password: Hunter2, other: aGVsbG8.c2VjcmV0.eHh4}\n"
    load = verified(written(here, {"a.yaml": text})).driven[0]
    keep_manifests(Path(), load, ())
    kept = Path(files(load)[0]).read_text().lower()
    assert "words:\n  - kind\n" in kept
    assert "- web\n" in kept
    assert all(word not in kept for word in ("hunter2", "agvsbg8", "password"))


@pytest.mark.parametrize(
    "text",
    [
        *(f"kind: Refused\nmetadata: {{name: x}}\nspec: {one}\n" for one in NOT_REFUSED),
        *(f"kind: Patched\nmetadata: {{name: x}}\nspec: {one}\n" for one in NOT_PATCHED),
        "kind: Other\nmetadata: {name: x}\n",
    ],
)
def test_what_is_not_as_a_run_writes_it_touches_every_request(here: Path, text: str) -> None:
    found = verified(written(here, {"a.yaml": f"apiVersion: meshproof.dev/v1alpha1\n{text}"}))
    assert found.driven == ()
    assert IN_DOUBT in told(found).outcomes
