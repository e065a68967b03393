"""`meshproof verify-certificate`: whether a certificate is what was issued."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

import meshproof
from meshproof.cli.help.tree import spoken
from meshproof.cli.options.recursive import RECURSIVE, widened
from meshproof.language.wrap import columns, padded

if TYPE_CHECKING:
    from meshproof.border.facts.provenance import Digest
    from meshproof.language.words import Words
    from meshproof.report.authenticity.check import Checked

EXIT_CODES = """\b
Exit codes:
  0  it is what was issued, and says certified (or with gaps: --accept-gaps)
  1  it was edited, its signature does not hold, the manifests are others,
     or it says something else than certified
  4  a command or an option is wrong, the file is no certificate, or neither
     statement nor envelope stands beside it
"""
CERTIFICATE = "certificate.yaml"


@click.command("verify-certificate", short_help="Check a certificate.", epilog=EXIT_CODES)
@click.argument("file", metavar="CERTIFICATE|RUN", type=click.Path(path_type=Path))
@click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PUB",
    help="The public key that it must be signed by: Ed25519 or ECDSA P-256, in PEM.",
)
@click.option(
    "-f",
    "--filename",
    "manifests",
    type=click.Path(allow_dash=True),
    multiple=True,
    metavar="FILE|DIR|-",
    callback=widened,
    help="The manifests that it must be about, byte for byte (repeatable).",
)
@RECURSIVE
@click.option("--accept-gaps", is_flag=True, help="End with 0 also when it says certified with gaps.")
@click.option(
    "-o",
    "--output-format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
def verify_certificate(file: Path, key: Path | None, manifests: tuple[str, ...], accept_gaps: bool, form: str) -> int:
    """Check that a certificate is what was issued.

    That is certificate.yaml or certificate.json, or the run's folder that holds them. Beside it has to stand its
    statement (certificate.statement.json), or the signed envelope (certificate.intoto.jsonl): each follows from the
    other, so an edit of either shows. Where events.ndjson is there too, the certificate is made from it again. Only a
    signature that --key checks says who made it.

    \b
    meshproof verify-certificate released/certificate.yaml --key key.pub -f k8s/
    """
    from meshproof.cli.certificates.certify import exit_code
    from meshproof.report.authenticity.check import check
    from meshproof.run.exit_codes import EXIT_FAILED, EXIT_PASSED, VerdictCode
    from meshproof.signing.keys import verifier

    file = file / CERTIFICATE if file.is_dir() else file
    public = verifier(key) if key else None
    found = check(file, meshproof.__version__, public, _digests(manifests) if manifests else None)
    _print(file, found, form)
    if not found.holds:
        return EXIT_FAILED
    return VerdictCode(exit_code(found.headline, EXIT_PASSED, accept_gaps=accept_gaps))


def _digests(paths: tuple[str, ...]) -> list[Digest]:
    from meshproof.manifest.source import texts

    found: list[Digest] = []
    for _ in texts(paths, sys.stdin, seen=found.append, odd=lambda *_: None):
        pass
    return found


def _print(file: Path, found: Checked, form: str) -> None:
    from meshproof.report.wording import line

    if form == "json":
        findings = [{"what": one.what, "holds": one.holds, "why": one.why} for one in found.findings]
        click.echo(json.dumps({"headline": found.headline, "holds": found.holds, "findings": findings}, indent=2))
        return
    width = max((len(one.what) for one in found.findings), default=0)
    words = spoken()
    click.echo(words("{file} says: {headline}", file=line(str(file)), headline=line(words(found.headline))))
    wide = max(map(columns, (words("ok"), words("WRONG"))))
    for one in found.findings:
        click.echo(f"  {padded(_shown(one.holds, words), wide)}  {one.what:{width}}  {line(one.why)}")
    click.echo(_conclusion(found, words))


def _shown(holds: bool | None, words: Words) -> str:
    if holds is None:
        return "-"
    return words("ok") if holds else words("WRONG")


def _conclusion(found: Checked, words: Words) -> str:
    from meshproof.report.authenticity.check import SIGNATURE

    several = words.amount(len(found.findings), "finding")
    wrong = sum(one.holds is False for one in found.findings)
    if wrong:
        return words("this is not what was issued: wrong is {wrong} of {findings}", wrong=wrong, findings=several)
    if any(one.what == SIGNATURE and one.holds for one in found.findings):
        return words("this is what the owner of the key issued")
    return words("no edit shows; who issued it, only a signature checked by --key can show")
