"""Who gets through a gateway's TLS, by what the manifests and the client's own files say."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from meshproof.border.request import Request, Tls
from meshproof.errors import UsageError
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import MESH_TLS
from meshproof.mesh.requests.probes import probes

HOST = "shop.example.com"


class Papers:
    """An authority with what it has signed, as a Secret and as a client's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own, self.other = trustme.CA(), trustme.CA()
        self.own.cert_pem.write_to_path(folder / "ca.pem")
        self.server = self.own.issue_cert("*.example.com")

    def client(self, name: str, authority: trustme.CA | None, **more: str) -> Tls:
        if authority is None:
            return Tls(str(self.folder / "ca.pem"), **more)
        issued = authority.issue_cert("client.example.com")
        issued.private_key_pem.write_to_path(self.folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(self.folder / f"{name}.pem")
        return Tls(
            str(self.folder / "ca.pem"), str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key"), **more
        )

    def secret(self, namespace: str = "istio-system", trusted: bytes = b"") -> str:
        parts = {
            "tls.crt": self.server.cert_chain_pems[0].bytes(),
            "tls.key": self.server.private_key_pem.bytes(),
            "ca.crt": trusted or self.own.cert_pem.bytes(),
        }
        data = "".join(f"  {name}: |\n{textwrap.indent(text.decode(), '    ')}" for name, text in parts.items())
        return (
            f"---\napiVersion: v1\nkind: Secret\nmetadata: {{name: cred, namespace: {namespace}}}\nstringData:\n{data}"
        )


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture
def mesh(routed, papers: Papers):
    def make(tls: str, secret: str | None = None):
        gateway = f"""---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: front}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - {{port: {{number: 443, name: https, protocol: HTTPS}}, hosts: [{HOST}], tls: {{credentialName: cred, {tls}}}}}
"""
        more = gateway + (papers.secret() if secret is None else secret)
        return routed(
            "- route: [{destination: {host: greeter}}]", head=f"hosts: [{HOST}]\n  gateways: [front]", more=more
        ).mesh

    return make


def ask(mesh, tls: Tls | None, host: str = HOST):
    return predict(mesh, Request("GET", host, 443, "/", (), "https", "default/front", tls=tls))


def test_the_certificate_must_be_trusted_and_for_the_host(mesh, papers: Papers) -> None:
    simple = mesh("mode: SIMPLE")
    assert ask(simple, papers.client("x", None)).arms
    refused = ask(simple, Tls())
    assert (refused.refused, refused.arms, refused.status) == ("handshake", (), 0)
    assert "the server's certificate is not accepted" in refused.note
    assert ask(simple, papers.client("x", None), host="b.example.com").refused == "handshake"
    # The certificate that a Secret holds can be trusted as it is.
    shown = papers.server.cert_chain_pems[0].bytes().decode()
    assert ask(simple, Tls(ca=shown)).arms


@pytest.mark.parametrize(
    ("mode", "without", "foreign"), [("MUTUAL", False, False), ("OPTIONAL_MUTUAL", True, False), ("SIMPLE", True, True)]
)
def test_the_clients_certificate(mesh, papers: Papers, mode: str, without: bool, foreign: bool) -> None:
    secured = mesh(f"mode: {mode}")
    assert ask(secured, papers.client("right", papers.own)).arms
    assert bool(ask(secured, papers.client("none", None)).arms) is without
    assert bool(ask(secured, papers.client("foreign", papers.other)).arms) is foreign


def test_the_authority_of_clients_may_have_a_secret_of_its_own(mesh, papers: Papers) -> None:
    own = (
        papers.secret()
        + textwrap.dedent("""\
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: cred-cacert, namespace: istio-system}
        stringData:
          cacert: |
        """)
        + textwrap.indent(papers.other.cert_pem.bytes().decode(), "    ")
    )
    secured = mesh("mode: MUTUAL", own)
    assert ask(secured, papers.client("right", papers.own)).refused == "handshake"
    assert ask(secured, papers.client("foreign", papers.other)).arms


@pytest.mark.parametrize("mode", ["MUTUAL", "OPTIONAL_MUTUAL"])
def test_any_authority_ends_a_chain_also_one_that_another_signed(mesh, papers: Papers, mode: str) -> None:
    between = papers.own.create_child_ca()
    issued = between.issue_cert("client.example.com")
    issued.private_key_pem.write_to_path(papers.folder / "between.key")
    leaf, middle = issued.cert_chain_pems
    for name, pems in (("alone", (leaf,)), ("chain", (leaf, middle))):
        (papers.folder / f"{name}.pem").write_bytes(b"".join(one.bytes() for one in pems))
    root = papers.own.cert_pem.bytes()
    trusted = {"root": root, "between": between.cert_pem.bytes(), "itself": leaf.bytes()}
    taken = {}
    for authority, pem in trusted.items():
        secured = mesh(f"mode: {mode}", papers.secret(trusted=pem))
        for name in ("alone", "chain"):
            files = (str(papers.folder / one) for one in ("ca.pem", f"{name}.pem", "between.key"))
            taken[authority, name] = not ask(secured, Tls(*files)).refused
    assert taken == {
        ("root", "alone"): False,
        ("root", "chain"): True,
        ("between", "alone"): True,
        ("between", "chain"): True,
        ("itself", "alone"): True,
        ("itself", "chain"): True,
    }


def test_the_oldest_version(mesh, papers: Papers) -> None:
    old = papers.client("x", None, newest="TLSv1_2")
    assert ask(mesh("mode: SIMPLE"), old).arms
    assert ask(mesh("mode: SIMPLE, minProtocolVersion: TLSV1_3"), old).refused == "handshake"
    assert ask(mesh("mode: SIMPLE, minProtocolVersion: TLSV1_3"), papers.client("x", None)).arms


def test_without_the_secret_only_what_is_certain_is_said(mesh, papers: Papers) -> None:
    assert ask(mesh("mode: SIMPLE", ""), Tls()).arms
    assert ask(mesh("mode: MUTUAL", ""), Tls()).refused == "handshake"
    assert ask(mesh("mode: MUTUAL", ""), papers.client("right", papers.own)).arms


def test_files_that_cannot_be_used_are_a_usage_error(mesh, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="client's certificate or authority"):
        ask(mesh("mode: SIMPLE"), Tls(ca=str(tmp_path / "none.pem")))


def test_probes_bring_what_the_load_says_or_trust_what_is_served(mesh, papers: Papers) -> None:
    secured = mesh("mode: MUTUAL, minProtocolVersion: TLSV1_3")
    found = probes(secured, tls=papers.client("right", papers.own)).requests
    served = {str(one) for one in found if predict(secured, one).arms}
    refused = {str(one) for one in found if predict(secured, one).refused}
    by = "GET https://shop.example.com/hello (by gateway default/front)"
    assert f"{by} (certificate right.pem)" in served
    assert {by, f"{by} (certificate right.pem) (at most TLSv1_2)"} <= refused
    simple = probes(mesh("mode: SIMPLE")).requests
    assert any(predict(mesh("mode: SIMPLE"), one).arms for one in simple)


MESH_SERVER = f"""---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: front}}
spec:
  selector: {{istio: egressgateway}}
  servers: [{{port: {{number: 443, name: https, protocol: HTTPS}}, hosts: [{HOST}], tls: {{mode: ISTIO_MUTUAL}}}}]
"""


def test_a_server_for_the_mesh_takes_sidecars_alone(routed, papers: Papers) -> None:
    head = f"hosts: [{HOST}]\n  gateways: [front]"
    found = routed("- route: [{destination: {host: greeter}}]", head=head, more=MESH_SERVER).mesh
    sidecars = {one.tls for one in probes(found, most=100).requests if one.scheme == "https" and one.host == HOST}
    assert MESH_TLS in sidecars
    assert replace(MESH_TLS, of_the_mesh=False) in sidecars
    assert ask(found, MESH_TLS).arms
    for other in (replace(MESH_TLS, of_the_mesh=False), papers.client("foreign", papers.other)):
        assert "a certificate of the mesh" in ask(found, other).note
