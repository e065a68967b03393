"""An API server's refusals in words, and at the lines that they are about."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import load
from meshproof.targets.kube.api.refusal import RefusedError, refusal, unreachable
from meshproof.targets.kube.kubectl import Kubectl
from meshproof.targets.kube.wanted import Wanted, wanted

OPENSSL = "look: openssl s_client -connect api.test:6443 </dev/null | openssl x509 -noout -subject -issuer -dates"
ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
spec:
  hosts: [shop]
  http:
  - route:
    - destination: {host: shop}
      weight: 100
"""


def status(code: int, reason: str, message: str, **details: Any) -> bytes:
    return json.dumps(
        {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
    ).encode()


@pytest.mark.parametrize(
    ("code", "reason", "message", "words", "look"),
    [
        (401, "Unauthorized", "Unauthorized", "does not accept the credentials", "config view --minify"),
        (
            403,
            "Forbidden",
            'pods is forbidden: User "a" cannot list',
            "forbidden to this user (docs/rbac.yaml",
            "auth can-i --list --namespace shop",
        ),
        (
            403,
            "Forbidden",
            "pods is forbidden: exceeded quota: few",
            "a quota of the cluster",
            "describe quota --namespace shop",
        ),
        (
            403,
            "Forbidden",
            "because it is being terminated",
            "the namespace is being deleted",
            "get namespace shop -o yaml",
        ),
        (404, "NotFound", "not found", "not found", "get all --namespace shop"),
        (409, "AlreadyExists", "exists", "it exists already", "get all --namespace shop"),
        (
            409,
            "Conflict",
            'conflict with "kubectl-edit"',
            "it was changed by somebody else",
            "get all --namespace shop",
        ),
        (422, "Invalid", "no", "refused as invalid", "get all --namespace shop"),
        (
            500,
            "InternalError",
            "failed calling webhook x: timeout",
            "an admission webhook of the cluster does not answer",
            "get validatingwebhookconfigurations,mutatingwebhookconfigurations",
        ),
        (503, "", "down", "the API server answers 503", "cluster-info"),
    ],
)
def test_each_refusal_has_a_meaning_and_a_command(code: int, reason: str, message: str, words: str, look: str) -> None:
    shown = Kubectl("kubectl", (), "lab").shown
    error = refusal("listing Pods", code, status(code, reason, message), namespace="shop", shown=shown)
    assert error.message.startswith("listing Pods: ")
    assert words in error.message
    assert message in error.detail
    assert error.detail.splitlines()[-1] == f"look: kubectl --context lab {look}"


@pytest.mark.parametrize(
    ("words", "said", "look"),
    [
        ("certificate verify failed: certificate has expired", "the certificate of {} has expired", OPENSSL),
        (
            "certificate verify failed: self-signed certificate",
            "the certificate of {} is not of the authority",
            OPENSSL,
        ),
        ("sslv3 alert certificate expired", "{} refuses the client certificate of this context", "look: kubectl"),
        ("wrong version number", "there is no TLS connection to {}", "look: kubectl"),
    ],
)
def test_a_certificate_that_is_refused_is_reported_with_what_shows_it(words: str, said: str, look: str) -> None:
    error = unreachable("listing Pods", "https://api.test:6443", ssl.SSLError(1, words), "look: kubectl")
    assert said.format("https://api.test:6443") in error.message
    assert error.detail.splitlines()[-1] == look


@pytest.mark.parametrize("body", [b"", b"<html>\xff</html>", b"[]", b'"x"', None, b"{"])
def test_a_body_that_is_no_status_is_quoted(body: bytes | None) -> None:
    error = refusal("listing Pods", 502, body)
    assert (error.status, error.message) == (502, "listing Pods: the API server answers 502")


@pytest.fixture
def route(tmp_path: Path) -> Wanted:
    file = tmp_path / "route.yaml"
    file.write_text(ROUTE)
    return wanted(load([str(file)], namespace="run").resources[0])


def invalid(*causes: tuple[str, str]) -> RefusedError:
    listed = [{"field": field, "message": message} for field, message in causes]
    return refusal("applying", 422, status(422, "Invalid", "is invalid", causes=listed))


def test_a_resource_is_sent_in_the_runs_namespace_and_as_it_was_written(route: Wanted) -> None:
    assert route.body["metadata"] == {"name": "shop", "namespace": "run"}
    assert route.body["spec"]["http"][0]["route"][0] == {"destination": {"host": "shop"}, "weight": 100}


def test_a_refused_field_is_reported_with_its_line(route: Wanted) -> None:
    error = route.refused(invalid(("spec.http[0].route[0].weight", "must be small"), ("spec.nothing", "odd")))
    assert isinstance(error, ManifestError)
    places = [(problem.location.line, problem.location.column) for problem in error.problems]
    assert places == [(11, 15), (7, 3)]
    assert "VirtualService run/shop: must be small" in str(error)


def test_an_object_without_a_manifest_has_no_line(route: Wanted) -> None:
    error = invalid(("spec", "no"))
    assert Wanted(route.body).refused(error) is error


def test_a_refusal_that_is_not_about_the_object_has_none_either(route: Wanted) -> None:
    forbidden = refusal("applying", 403, status(403, "Forbidden", "no"))
    assert route.refused(forbidden) is forbidden
    silent = refusal("applying", 500, status(500, "InternalError", 'failed calling webhook "validation.istio.io"'))
    assert route.refused(silent) is silent


def test_a_webhooks_refusal_is_about_the_object(route: Wanted) -> None:
    words = 'admission webhook "validation.istio.io" denied the request: configuration is invalid'
    error = route.refused(refusal("applying", 400, status(400, "BadRequest", words)))
    assert isinstance(error, ManifestError)
    assert error.problems[0].location.line == 2
