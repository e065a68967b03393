"""A certificate is what was issued, or the edit is found: in any field of it, of its statement and of its envelope."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from meshproof.border.coverage import Coverage, Dependence
from meshproof.border.facts.provenance import Commit, Digest, Profile, Provenance, SelfCheckScore, Sources
from meshproof.errors import Location, UsageError
from meshproof.report.authenticity.check import Checked, check
from meshproof.report.certificate.files import JSON, SEALED, STATEMENT, YAML
from meshproof.report.certificate.text import json_text, yaml
from meshproof.report.events import CoverageFound, Event, FactsFound, ManifestsKept, ProvenanceFound
from meshproof.report.run_folder import EVENTS, RunFolder
from meshproof.signing.envelope import seal
from meshproof.signing.keys import Verifier, signer, verifier

PLACE = Location("k8s/shop.yaml", 3, 1)
DIGEST = Digest("k8s/shop.yaml", "ab" * 32, 120)
OTHER = Digest("k8s/other.yaml", "cd" * 32, 7)
VERSION = "0.1.0"


@dataclass(frozen=True)
class Issued:
    """A certificate in a folder, and the key that signed it."""

    folder: Path
    key: Verifier

    def check(self, name: str = YAML, key: Verifier | None = None, manifests: list[Digest] | None = None) -> Checked:
        return check(self.folder / name, VERSION, key, manifests)

    def wrong(self, name: str = YAML, **more: Any) -> dict[str, str]:
        return {one.what: one.why for one in self.check(name, **more).findings if one.holds is False}


@pytest.fixture
def issued(tmp_path: Path, passed_run: list[Event]) -> Issued:
    """A signed certificate with something in every field; the events are left out, for they tell everything."""
    made_of = Provenance(
        Sources((DIGEST, OTHER)),
        Commit("c" * 40, True),
        {"kernel": "6.12"},
        ("Gateway",),
        (Profile("canary", ("CanarySplit",), features={"CanarySplit": ("Gateway",)}),),
        ("hosts",),
        ("EnvoyFilter",),
        "R. Manager",
        SelfCheckScore(19, 20, 400, 7, ("k8s/shop.yaml:9:3: weight 90 to 91",)),
    )
    open_one = Dependence("EnvoyFilter", "EnvoyFilter shop/limits", PLACE, "it is not modelled", allowed=True)
    known = CoverageFound(Coverage(((PLACE, ("GET http://shop/",)),), 1, 3, (open_one,)))
    kept = ManifestsKept("CanarySplit", 0, replace(DIGEST, file="manifests/a"), replace(DIGEST, file="manifests/b"))
    more = [known, ProvenanceFound(made_of), FactsFound({"node a kernel": "6.12"}), kept]
    run = RunFolder(tmp_path / "run")
    for event in [passed_run[0], *more, *passed_run[1:]]:
        run.handle(event)
    run.close()
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    own = signer(private, lambda: b"")
    (run.path / SEALED).write_text(seal((run.path / STATEMENT).read_bytes(), own).text())
    (run.path / EVENTS).rename(tmp_path / EVENTS)
    return Issued(run.path, verifier(public))


def paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all values, containers included."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, one in items:
        yield (*path, name)
        yield from paths(one, (*path, name))


def flipped(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case str():
            return f"{value}x"
        case int() | float():
            return value + 1
        case list():
            return value[1:] if value else ["x"]
        case dict():
            return dict(list(value.items())[1:]) if value else {"x": "y"}
        case _:
            return "x"


def edits(data: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The data with one field changed, for each of its fields."""
    for path in paths(data):
        edited = copy.deepcopy(data)
        place = edited
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = flipped(place[path[-1]])
        yield path, edited


def test_what_was_issued_holds(issued: Issued) -> None:
    for name in (YAML, JSON):
        found = issued.check(name, issued.key, [DIGEST, OTHER])
        assert found.headline == "certified with gaps"
        assert {one.what: one.holds for one in found.findings} == {
            STATEMENT: True,
            SEALED: True,
            "signature": True,
            "manifests": True,
        }


@pytest.mark.parametrize(("name", "written"), [(YAML, yaml), (JSON, json_text)], ids=["yaml", "json"])
def test_an_edit_of_any_field_is_found(issued: Issued, name: str, written: Callable[[Any], str]) -> None:
    file = issued.folder / name
    several = list(edits(json.loads((issued.folder / JSON).read_text())))
    assert len(several) > 150
    for path, edited in several:
        file.write_text(written(edited))
        if path[0] in ("apiVersion", "kind"):
            with pytest.raises(UsageError, match="no certificate"):
                issued.check(name)
        else:
            assert issued.wrong(name), path


def test_an_edit_that_changes_no_field_is_found(issued: Issued) -> None:
    for name, edit in ((YAML, "# a comment\n"), (JSON, "\n")):
        file = issued.folder / name
        file.write_text(file.read_text() + edit)
        assert "it is not written as meshproof writes it" in issued.wrong(name)["certificate"]


@pytest.mark.parametrize("more", ["x: &a [1]\ny: *a\n", "x: " + "[" * 40 + "]" * 40 + "\n"], ids=["alias", "deep"])
def test_what_could_stand_for_very_much_is_in_no_certificate(issued: Issued, more: str) -> None:
    file = issued.folder / YAML
    file.write_text(file.read_text() + more)
    with pytest.raises(UsageError, match="no certificate"):
        issued.check()


def test_an_edit_of_any_field_of_the_statement_is_found(issued: Issued) -> None:
    (issued.folder / SEALED).unlink()
    file = issued.folder / STATEMENT
    several = list(edits(json.loads(file.read_text())))
    assert len(several) > 30
    for path, edited in several:
        file.write_text(json.dumps(edited, indent=2) + "\n")
        assert STATEMENT in issued.wrong(), path


def test_an_edit_of_any_field_of_the_envelope_is_found(issued: Issued) -> None:
    file = issued.folder / SEALED
    data = json.loads(file.read_text())
    # A signature of the right length that is another one.
    signature = bytearray(base64.b64decode(data["signatures"][0]["sig"]))
    signature[0] ^= 1
    other = copy.deepcopy(data)
    other["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    for path, edited in [*edits(data), (("sig",), other)]:
        file.write_text(json.dumps(edited) + "\n")
        assert issued.wrong(key=issued.key), path


def test_who_edits_all_of_it_has_no_key(issued: Issued) -> None:
    """Certificate and statement agree again, and so nothing but the signature tells."""
    statement = json.loads((issued.folder / STATEMENT).read_text())
    statement["predicate"]["result"] = "PASSED"
    forged = (json.dumps(statement, indent=2) + "\n").encode()
    sealed = json.loads((issued.folder / SEALED).read_text())
    sealed["payload"] = base64.b64encode(forged).decode()
    (issued.folder / SEALED).write_text(json.dumps(sealed) + "\n")
    assert "signature" in issued.wrong(key=issued.key)


def test_without_a_key_nothing_is_said_of_the_signature(issued: Issued) -> None:
    [found] = [one for one in issued.check().findings if one.what == "signature"]
    assert found.holds is None
    (issued.folder / SEALED).unlink()
    assert "it is not signed" in issued.wrong(key=issued.key)["signature"]


def test_other_manifests_are_named(issued: Issued) -> None:
    moved = replace(DIGEST, file="elsewhere/shop.yaml")
    assert issued.wrong(manifests=[moved, OTHER]) == {}
    changed, new = replace(DIGEST, sha256="ef" * 32), replace(DIGEST, file="new.yaml")
    assert issued.wrong(manifests=[changed, new]) == {
        "manifests": "changed: shop.yaml; missing: other.yaml; not certified: new.yaml"
    }
    assert issued.wrong(manifests=[]) == {"manifests": "missing: other.yaml, shop.yaml"}


def test_the_events_make_it_again(issued: Issued) -> None:
    events = issued.folder / EVENTS
    kept = (issued.folder.parent / EVENTS).read_text()
    events.write_text(kept)
    assert issued.wrong() == {}
    events.write_text(kept.replace("R. Manager", "Nobody"))
    assert issued.wrong() == {EVENTS: "they make another certificate"}
    events.write_text("no event\n")
    assert "not an event" in issued.wrong()[EVENTS]
    [found] = [one for one in check(issued.folder / YAML, "9.9").findings if one.what == EVENTS]
    assert found.holds is None


def test_a_certificate_alone_cannot_be_checked(issued: Issued) -> None:
    (issued.folder / SEALED).unlink()
    (issued.folder / STATEMENT).unlink()
    with pytest.raises(UsageError, match="is beside it"):
        issued.check()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: [",
        "{",
        "a: &x [1]\nb: *x",
        "[" * 100_000,
        "- " * 5_000,
        "\x00",
        "a: !!python/name:os.system",
        "\xff",
    ],
)
def test_what_is_no_certificate_is_refused(issued: Issued, text: str) -> None:
    (issued.folder / YAML).write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="no certificate"):
        issued.check()
