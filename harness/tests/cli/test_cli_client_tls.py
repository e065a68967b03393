"""--cacert, --cert and --key: behind a MUTUAL gateway, and whatever else a person may give as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from meshproof.cli.options.client_tls import client_tls
from meshproof.errors import UsageError
from meshproof.suite import folder

GATEWAY = folder("scenarios") / "gateway"
OWN = GATEWAY / "certificates"
CLIENT = ("--cert", OWN / "client.pem", "--key", OWN / "client.key")
FOREIGN = ("--cert", OWN / "foreign.pem", "--key", OWN / "foreign.key")
OPTIONAL = """    - port:
        number: 443
        name: https-optional
        protocol: HTTPS
      hosts:
        - optional.example.com
      tls:
        mode: OPTIONAL_MUTUAL
        credentialName: example-com
"""


def mutual(place: Any, name: str, mode: str = "MUTUAL", prefix: str = "/status") -> Path:
    """A gateway that wants a certificate of everybody, or is in another mode."""
    made: Path = place.here / name
    made.mkdir()
    for file in ("httpbin.yaml", "secret.yaml"):
        (made / file).write_text((GATEWAY / file).read_text())
    text = (GATEWAY / "mutual-tls.yaml").read_text()
    assert OPTIONAL in text
    text = text.replace(OPTIONAL, "").replace("    - optional.example.com\n", "").replace("/status", prefix)
    (made / "mutual.yaml").write_text(text.replace("mode: MUTUAL", f"mode: {mode}"))
    return made


def outcomes(report: Any) -> dict[tuple[str, str], str]:
    return {(one["scenario"], one["check"]): one["outcome"] for one in report["checks"]}


def test_with_a_certificate_the_answers_behind_the_gateway_are_verified(place: Any) -> None:
    mutual(place, "spec")
    authority = ("--cacert", OWN / "authority.pem")
    ended = place.run(*place.verify, *CLIENT, *authority, "-o", "json", "--output", place.here / "out")
    assert ended.code == 0, ended.err
    assert "notice" not in ended.err
    found = outcomes(ended.report)
    assert set(found.values()) == {"passed"}
    assert ("resilience", "Timeout") in found
    answers = next(
        one for one in ended.report["checks"] if (one["scenario"], one["check"]) == ("boundaries", "Answers")
    )
    specified = {row["specified"] for row in answers["evidence"]["table"]}
    assert {"default/httpbin", "no handshake"} <= specified
    # The key is on the command line as a name alone, and nowhere else.
    secret = (OWN / "client.key").read_text().split("\n")[1]
    kept = [file for file in (place.here / "out").rglob("*") if file.is_file()]
    assert kept
    assert not [file for file in kept if secret.encode() in file.read_bytes()]


@pytest.mark.long
def test_a_named_request_brings_the_certificate_too(place: Any) -> None:
    mutual(place, "spec")
    named = ("--request", "https://httpbin.example.com/status/200")
    ended = place.run(*place.verify, *CLIENT, *named, "-o", "json")
    assert ended.code == 0, ended.err
    (split,) = (one for one in ended.report["checks"] if one["check"] == "Split")
    assert [arm["destination"] for arm in split["arms"]] == ["httpbin.default"]
    assert "(certificate client.pem)" in split["request"]


@pytest.mark.long
def test_a_path_that_is_opened_too_wide_behind_it_is_found(place: Any) -> None:
    mutual(place, "spec")
    mutual(place, "wide", prefix="/")
    ended = place.run(*place.verify, *CLIENT, "--applied", "wide", "-o", "json")
    assert ended.code == 1, ended.err
    assert outcomes(ended.report)["boundaries", "Answers"] == "failed"


@pytest.mark.long
@pytest.mark.parametrize(
    ("client", "why"),
    [
        ((), "the server wants a certificate of the client, which has none"),
        pytest.param(FOREIGN, "the client's certificate is not accepted", marks=pytest.mark.long),
    ],
)
def test_without_the_right_one_only_the_refusal_is_verified_and_a_notice_says_so(
    place: Any, client: Any, why: str
) -> None:
    mutual(place, "spec")
    mutual(place, "open", mode="SIMPLE")
    ended = place.run(*place.verify, *client)
    # That clients are refused is verified; what the rule behind it does is not.
    assert ended.code == 1, ended.err
    assert f"only that clients are refused is verified of this rule, no answer: {why}" in " ".join(ended.out.split())
    ended = place.run(*place.verify, *client, "--applied", "open", "-o", "json")
    assert ended.code == 1, ended.err
    assert outcomes(ended.report)["boundaries", "Answers"] == "failed"
    named = ("--request", "https://httpbin.example.com/status/200")
    ended = place.run(*place.verify, *client, *named)
    assert ended.code == 0, ended.err
    assert "is refused is verified, no answer" in ended.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("nowhere.pem", "", ""), "--cacert nowhere.pem: there is no such file"),
        (("", ".", ""), "--cert .: is no file"),
        (("/dev/zero", "", ""), "--cacert /dev/zero: is no file"),
        (("", "", "own.key"), "--key own.key needs the certificate"),
        (("empty", "", ""), "--cacert empty: there is no certificate in PEM"),
        (("garbage", "", ""), "--cacert garbage: there is no certificate in PEM"),
        (("", "garbage", "own.key"), "--cert garbage: there is no certificate in PEM"),
        (("", "own.pem", "garbage"), "--key garbage: there is no private key in PEM"),
        (("", "own.pem", "nowhere.key"), "--key nowhere.key: there is no such file"),
        (("", "own.pem", ""), "--cert own.pem: there is no private key in PEM"),
        (("", "own.pem", "other.key"), "--key other.key: the private key is not that of the certificate in own.pem"),
        (("", "own.pem", "own.pem"), "--key own.pem: there is no private key in PEM"),
        (("", "own.pem", "encrypted.key"), "--key encrypted.key: the private key is encrypted"),
        (("long", "", ""), "--cacert long: is too long"),
        (("a\0b", "", ""), "--cacert"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, str, str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    Path("garbage").write_bytes(b"-----BEGIN CERTIFICATE-----\n\xff\0AAAA\n-----END CERTIFICATE-----\n")
    Path("long").write_bytes((OWN / "client.pem").read_bytes() * 9000)
    for name, own in (("own.pem", "client.pem"), ("own.key", "client.key"), ("other.key", "foreign.key")):
        Path(name).write_bytes((OWN / own).read_bytes())
    if "encrypted.key" in options:
        key = serialization.load_pem_private_key(Path("own.key").read_bytes(), None)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        Path("encrypted.key").write_bytes(key.private_bytes(*form, serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(UsageError) as error:
        client_tls(*options)
    assert str(error.value).startswith(words)
    assert "PRIVATE" not in str(error.value)


def test_certificate_and_key_may_be_in_one_file_with_text_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("both.pem").write_text(f"me\n{(OWN / 'client.pem').read_text()}{(OWN / 'client.key').read_text()}")
    Path("trusted.pem").write_text(f"an authority\n{(OWN / 'authority.pem').read_text()}and no more\n")
    found = client_tls("trusted.pem", "both.pem", "")
    assert (found.cert, found.key) == (str(tmp_path / "both.pem"), "")
    assert found.ca.startswith("-----BEGIN CERTIFICATE-----")
    assert found.ca.endswith("-----END CERTIFICATE-----")
    assert client_tls("", "", "").ca == ""


def test_a_wrong_file_ends_the_command_before_anything_is_started(place: Any) -> None:
    mutual(place, "spec")
    ended = place.run(*place.verify, "--cert", "nowhere.pem")
    assert (ended.code, ended.out) == (4, "")
    assert "--cert nowhere.pem: there is no such file" in ended.err
    assert [one.name for one in place.here.iterdir()] == ["spec"]
