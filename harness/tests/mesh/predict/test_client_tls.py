"""TLS that proxies originate: what pods see of it, where it is not told, and who sends plain text."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from meshproof.border.expectation import TLS_SEEN, Expectation
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.mesh.predict.prediction import predict

SITE = (Path(__file__).parents[2] / "golden" / "client-tls.in.yaml").read_text(encoding="utf-8")


def asked(url: str, text: str = SITE, labels: dict[str, str] | None = None) -> Expectation:
    mesh = build(load(["-"], stdin=io.StringIO(text)).resources).mesh
    return predict(mesh, parse(f"GET {url}"), source("default", labels))


def handshake(found: Expectation) -> str | None:
    (arm,) = found.arms
    return dict(arm.request_headers.exact).get(TLS_SEEN)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://plain.example.com/", "plain.example.com"),
        ("http://plain.example.com:81/", None),
        ("http://mutual.example.com/", "mutual.example.com; certificate"),
        ("http://blind.example.com:81/", "eu.example.com"),
        ("http://secret.example.com/", None),
        ("http://off.example.com/", None),
        ("http://named.example.com/", "named.example.com"),
    ],
)
def test_what_a_pod_sees_of_the_handshake(url: str, said: str | None) -> None:
    found = asked(url)
    assert (handshake(found), found.undecided) == (said, "")


def test_a_secret_counts_for_sidecars_that_the_rule_selects() -> None:
    text = SITE.replace(
        "host: secret.example.com", "host: secret.example.com\n  workloadSelector: {matchLabels: {app: web}}"
    )
    assert handshake(asked("http://secret.example.com/", text, {"app": "web"})) == "secret.example.com; certificate"


def test_whether_a_certificate_is_for_other_names_is_told_nowhere() -> None:
    other = SITE.replace("[mutual.example.com, other.example.com]", "[other.example.com]")
    assert (
        "certificate of mutual.example.com is for other.example.com"
        in asked("http://mutual.example.com/", other).undecided
    )
    routed = f"""{SITE}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: plain}}
spec:
  hosts: [plain.example.com]
  http: [{{rewrite: {{authority: www.example.com}}, route: [{{destination: {{host: plain.example.com}}}}]}}]
"""
    found = asked("http://plain.example.com/", routed)
    assert (handshake(found), "is for www.example.com, too" in found.undecided) == ("www.example.com", True)
