"""Rules that run otherwise than specified, on real Envoys: each is failed, with the place of the applied rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.judge.coverage.coverage import examinations
from meshproof.run.prepare import Prepared
from meshproof.run.verification.verification import prepare_verification
from sure import SURE

Drive = Callable[[Path, Sequence[Prepared]], list[list[Verdict]]]
APP = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  selector: {app: shop}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: http-more, port: 81, targetPort: 8080}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec: {host: shop, subsets: [{name: a, labels: {version: a}}, {name: b, labels: {version: b}}]}
"""
POD = """---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop-{version}}}
spec:
  selector: {{matchLabels: {{app: shop, version: {version}}}}}
  template:
    metadata: {{labels: {{app: shop, version: {version}}}}}
    spec: {{containers: [{{name: shop, image: "registry.example/shop:{version}", ports: [{{containerPort: 8080}}]}}]}}
"""
ROUTES = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
"""


def to(a: int = 0, b: int = 0) -> str:
    """The destinations of a rule."""
    return (
        f"route: [{{destination: {{host: shop, subset: a}}, weight: {a}}}, "
        f"{{destination: {{host: shop, subset: b}}, weight: {b}}}]"
    )


A, B, CANARY, HALF = to(100, 0), to(0, 100), to(90, 10), to(50, 50)


def rule(leads: str, match: str = "", *more: str) -> str:
    """One rule, on lines of its own."""
    parts = filter(None, (match and f"match: [{match}]", leads, *more))
    return "".join(f"  {'  ' if at else '- '}{part}\n" for at, part in enumerate(parts))


BETA, CART = '{headers: {x-beta: {exact: "yes"}}}', "{uri: {prefix: /cart}}"
REST = rule(CANARY)


@dataclass(frozen=True)
class Drift:
    """What is specified, and what is applied instead; `takes` is the number of the applied rule that is to be named."""

    name: str
    specified: Sequence[str]
    applied: Sequence[str]
    takes: int
    request: str = ""


def widened(name: str, before: str, after: str) -> Drift:
    """The condition of a rule, before the rule for all others."""
    return Drift(name, (rule(B, before), REST), (rule(B, after), REST), 0)


def changed(name: str, before: Sequence[str], after: Sequence[str] = (), leads: str = A, request: str = "") -> Drift:
    """What the only rule, without a condition, changes about requests and answers."""
    return Drift(name, (rule(leads, "", *before),), (rule(leads, "", *after),), 0, request)


SET = "headers: {request: {set: {x-tenant: acme}}}"
HIDE = "headers: {request: {remove: [x-user]}, response: {remove: [x-inner]}}"
NAME = "headers: {response: {set: {x-served-by: shop}}}"
CORS = 'corsPolicy: {allowOrigins: [{exact: "https://shop.example"}], allowMethods: [GET]}'
MIRROR = "mirror: {host: shop, subset: b}"
ASKED = "GET http://shop/"
DRIFTS = (
    Drift("swapped", (rule(B, BETA), rule(A, CART), REST), (rule(A, CART), rule(B, BETA), REST), 0),
    Drift(
        "swapped, both weighted",
        (rule(HALF, BETA), rule(CANARY, CART), rule(A)),
        (rule(CANARY, CART), rule(HALF, BETA), rule(A)),
        0,
    ),
    Drift("added", (REST,), (rule(B, "{headers: {x-debug: {}}}"), REST), 0),
    widened("a header by its beginning", BETA, "{headers: {x-beta: {prefix: ye}}}"),
    widened("a header by a pattern", BETA, "{headers: {x-beta: {regex: '.*yes'}}}"),
    widened("any value of a header", BETA, "{headers: {x-beta: {}}}"),
    widened("one of two headers", '{headers: {x-beta: {exact: "yes"}, x-a: {}}}', BETA),
    widened("a header that must be missing", "{uri: {prefix: /c}, withoutHeaders: {x-old: {}}}", "{uri: {prefix: /c}}"),
    widened("a parameter", "{queryParams: {v: {exact: '2'}}}", "{queryParams: {v: {regex: '2.*'}}}"),
    widened("a method", "{method: {exact: PUT}}", "{method: {regex: 'P.*'}}"),
    widened("an exact path", "{uri: {exact: /cart}}", CART),
    widened("the case of a path", CART, "{uri: {prefix: /cart}, ignoreUriCase: true}"),
    widened("an authority", "{authority: {exact: 'shop:81'}}", "{authority: {prefix: shop}}"),
    widened("a port", "{port: 81}", "{port: 80}"),
    changed("a request header is not set", (SET,)),
    changed("a request header is set", (), (SET,)),
    changed("headers are not removed", (HIDE,)),
    changed("headers are removed", (), (HIDE,)),
    changed("a response header is not set", (NAME,)),
    changed("a response header is set", (), (NAME,)),
    changed("an origin is not allowed", (CORS,)),
    changed("a path is not rewritten", ("rewrite: {uri: /inner}",)),
    Drift("another redirect", (rule("redirect: {uri: /new}"),), (rule("redirect: {uri: /newer}"),), 0),
    Drift(
        "another body",
        (rule("directResponse: {status: 200, body: {string: one}}"),),
        (rule("directResponse: {status: 200, body: {string: two}}"),),
        0,
    ),
    changed("a named request's header", (SET,), request=ASKED),
    changed("headers that a named request does not send", (HIDE,), request=ASKED),
    changed("an origin that a named request does not send", (CORS,), request=ASKED),
    changed("headers that are removed of a named request", (), (HIDE,), request=ASKED),
)


def written(place: Path, rules: Sequence[str]) -> tuple[str, list[int]]:
    """The file, and the line of each rule in it."""
    head = APP + "".join(POD.format(version=version) for version in "ab") + ROUTES
    place.write_text(head + "".join(rules))
    lines = [(head + "".join(rules[:number])).count("\n") + 1 for number in range(len(rules))]
    return str(place), lines


def loads(spec: str, applied: str, request: str) -> list[Prepared]:
    """The samples and the probes of a verification."""
    requests = (parse(request),) if request else ()
    found = prepare_verification([spec], [applied], requests, SURE)
    return [one for one in (found.samples, found.boundaries) if one]


# One of order, of a condition, of headers that are set, of what the proxy answers itself, and of a named request.
SOME = {"swapped", "a header by its beginning", "a request header is not set", "another redirect"}
SOME |= {"headers that are removed of a named request"}


@pytest.mark.parametrize(
    "drifts",
    [
        pytest.param([one for one in DRIFTS if one.name in SOME], id="some"),
        pytest.param([one for one in DRIFTS if one.name not in SOME], id="others", marks=pytest.mark.long),
    ],
)
def test_each_rule_that_runs_otherwise_is_failed_and_named(
    tmp_path: Path, driven: Drive, drifts: Sequence[Drift]
) -> None:
    several: list[Prepared] = []
    places = []
    for number, drift in enumerate(drifts):
        spec, _ = written(tmp_path / f"{number}-specified.yaml", drift.specified)
        applied, lines = written(tmp_path / f"{number}-applied.yaml", drift.applied)
        places.append(f"{applied}:{lines[drift.takes]}:")
        several += loads(spec, applied, drift.request)
    assert len(several) == 2 * len(drifts)
    verdicts = driven(tmp_path, several)
    unseen = []
    for drift, place, *own in zip(drifts, places, verdicts[::2], verdicts[1::2], strict=True):
        failed = [one.reason for row in own for one in row if one.outcome is Outcome.FAILED]
        if not any(place in reason for reason in failed):
            unseen.append((drift.name, place, failed))
    assert unseen == []


@pytest.mark.long
@pytest.mark.parametrize("drift", [DRIFTS[1], DRIFTS[7], DRIFTS[16], DRIFTS[20]], ids=lambda one: one.name)
def test_what_runs_as_specified_passes(tmp_path: Path, drift: Drift, driven: Drive) -> None:
    spec, _ = written(tmp_path / "specified.yaml", drift.specified)
    verdicts = [one for row in driven(tmp_path, loads(spec, spec, "")) for one in row]
    assert [(one.check, one.reason) for one in verdicts if one.outcome is not Outcome.PASSED] == []
    assert len(verdicts) >= 4


def test_more_probes_than_are_sent_are_no_pass_until_it_is_thorough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meshproof.run.verification.boundaries.MOST", 400)
    rules = "".join(
        f"  - match: [{{uri: {{exact: /{one}}}}}]\n    directResponse: {{status: 204}}\n" for one in range(45)
    )
    place = tmp_path / "many.yaml"
    place.write_text(f"{APP}{ROUTES}{rules}")
    first = f"{place}:{(APP + ROUTES).count(chr(10)) + 1}:5"
    found = prepare_verification([str(place)], [], (), Precision())
    (verdict,) = (one.judge(found.coverage) for one in examinations(found.coverage) if one.name == "AllProbed")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert re.match(r"\d+ probes of the boundaries and overlaps of \d+ rules are not sent", verdict.reason)
    assert first in [str(rule) for rule, _ in found.coverage.left_out]
    thorough = prepare_verification([str(place)], [], (), Precision(), thorough=True)
    assert thorough.coverage.left_out == ()
    more = sum(number for _, number in found.coverage.left_out)
    assert len(thorough.boundaries.load.requests) == len(found.boundaries.load.requests) + more
