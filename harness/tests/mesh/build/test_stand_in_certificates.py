"""Certificates that stand in for Secrets that servers name and that are not among the manifests."""

from __future__ import annotations

import ssl

import pytest
from meshproof.border.request import Request, Tls
from meshproof.mesh.build.stand_ins.certificates import ANY_HOST
from meshproof.mesh.build.stand_ins.needed import StandingIn
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.unmodelled import Entering
from meshproof.mesh.predict.gateways.handshake import refusal
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests import addresses
from stand_in_manifests import GATEWAY, SERVICE, read


def test_a_certificate_for_all_hosts_that_are_asked_for() -> None:
    built = read(SERVICE + GATEWAY.replace("MODE", "SIMPLE"), StandingIn(asked=("asked.example", "127.0.0.1")))
    (secret,) = built.mesh.secrets
    assert (secret.namespace, secret.name, set(secret.data)) == ("istio-system", "cert", {"tls.crt", "tls.key"})
    assert sum("a self-signed certificate stands in, in istio-system" in one.message for one in built.notices) == 1
    assert not built.mesh.unmodelled
    gateway = built.mesh.gateways[0]
    own = Tls(ca=secret.data["tls.crt"].decode())
    for host in ("a.shop.example", "b.shop.example", "other.example", "asked.example", "127.0.0.1", ANY_HOST):
        assert refusal(built.mesh, gateway, gateway.servers[1].tls, host, own) == "", host
    assert "not accepted" in refusal(built.mesh, gateway, gateway.servers[1].tls, "foreign.example", own)
    assert ANY_HOST == addresses.ANY_HOST
    assert ssl.create_default_context(cadata=own.ca).cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("mode", ["MUTUAL", "OPTIONAL_MUTUAL"])
def test_whom_a_mutual_server_takes_is_not_known(mode: str) -> None:
    built = read(SERVICE + GATEWAY.replace("MODE", mode))
    (one,) = built.mesh.unmodelled
    assert one.touches == (Entering("default/edge", 8443, hosts=("*",)),)
    assert "ca.crt" in built.mesh.secrets[0].data


def test_a_secret_that_is_there_is_the_one_that_counts() -> None:
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: cert, namespace: anywhere}\nstringData: {tls.crt: C}\n---\n"
    )
    built = read(SERVICE + secret + GATEWAY.replace("MODE", "SIMPLE"))
    assert [one.namespace for one in built.mesh.secrets] == ["anywhere"]


def from_files(mode: str, *more: str) -> str:
    files = ", ".join(("serverCertificate: /etc/certs/tls.crt", "privateKey: /etc/certs/tls.key", *more))
    return SERVICE + GATEWAY.replace("mode: MODE, credentialName: cert", f"mode: {mode}, {files}")


def test_files_of_the_pods_are_stood_in_for_as_secrets_are() -> None:
    built = read(from_files("SIMPLE"))
    secret = next(one for one in built.mesh.secrets if one.name == "file-etc-certs-tls.crt")
    gateway = built.mesh.gateways[0]
    own = Tls(ca=secret.data["tls.crt"].decode())
    assert refusal(built.mesh, gateway, gateway.servers[1].tls, "a.shop.example", own) == ""
    told = [one.message for one in built.notices if "self-signed" in one.message]
    assert any(one.startswith("the file /etc/certs/tls.crt of the gateway's pods is not among") for one in told)
    assert not built.mesh.unmodelled


@pytest.mark.parametrize("mode", ["MUTUAL", "OPTIONAL_MUTUAL"])
def test_whom_a_mutual_server_takes_by_a_file_is_not_known(mode: str) -> None:
    (one,) = read(from_files(mode, "caCertificates: /etc/certs/ca.crt")).mesh.unmodelled
    assert one.touches == (Entering("default/edge", 8443, hosts=("*",)),)
    assert "a file of the gateway's pods" in one.why


def test_strict_takes_no_files() -> None:
    refused = read(from_files("SIMPLE"), StandingIn(strict=True)).mesh.unmodelled
    assert ("the file /etc/certs/tls.crt of the gateway's pods", (Entering("default/edge", 8443),)) in [
        (one.subject, one.touches) for one in refused
    ]


def test_a_server_of_clients_that_are_not_known_costs_its_own_hosts_alone() -> None:
    other = "  - port: {number: 8443, name: more, protocol: HTTPS}\n    hosts: [b.shop.example]\n"
    own = GATEWAY.replace("MODE", "MUTUAL").replace('hosts: ["*"]', "hosts: [other.example]")
    simple = "    tls: {mode: SIMPLE, credentialName: more}\n---\n"
    built = read(SERVICE + own.replace("---\n", other + simple, 1))
    depends = Dependencies(built.mesh, built.mesh.unmodelled)
    for host, proved in (("other.example", False), ("b.shop.example", True)):
        asked = Request("GET", host, 8443, "/", (), "https", "default/edge", tls=Tls())
        assert (depends.touching(facts(built.mesh, predict(built.mesh, asked))) == ()) is proved, host
