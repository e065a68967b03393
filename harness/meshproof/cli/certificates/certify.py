"""`meshproof certify`: a run whose result is a certificate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meshproof.cli.help.tree import spoken
from meshproof.cli.options.manifests import Asked, of_manifests, prepared
from meshproof.cli.options.sections import Sectioned
from meshproof.cli.options.shared import Settings, shared
from meshproof.cli.run import names
from meshproof.errors import UsageError
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.border.facts.provenance import Digest, SelfCheckScore
    from meshproof.signing.keys import Signer

EXIT_CODES = """\b
Exit codes:
  0  certified, or with gaps where --accept-gaps is given
  1  not certified, or with gaps
  2  interrupted
  3  the harness or the target broke, or what they need is missing: no verdict
  4  a command, an option or a manifest is wrong
  5  nothing was selected
"""
GAPS_SHOWN = 20
NOTHING = Asked((), (), (), "", "", False, False, False, (), "", "", "")


@click.command(cls=Sectioned, short_help="Run, and certify what is proved.", epilog=EXIT_CODES)
@click.argument("scenarios", nargs=-1, shell_complete=names, metavar="[SCENARIO]...")
@of_manifests(required=False)
@click.option("--accept-gaps", is_flag=True, help="End with 0 also when it is certified with gaps.")
@click.option(
    "--allowed-by",
    default="",
    metavar="NAME",
    help="Who answers for what --allow-unproven names; it stands in the certificate.",
)
@click.option(
    "--self-check",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A selfcheck.json of these very manifests, whose score stands in the certificate.",
)
@click.option(
    "--sign",
    "sign",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="KEY",
    help="Sign the statement with this private key: Ed25519 or ECDSA P-256 in PEM, or one of cosign's.",
)
@click.option(
    "--key-password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Its password, where it has one.  [default: MESHPROOF_KEY_PASSWORD, COSIGN_PASSWORD, or a prompt]",
)
@shared
def certify(
    settings: Settings,
    asked: Asked,
    scenarios: tuple[str, ...],
    accept_gaps: bool,
    allowed_by: str,
    self_check: Path | None,
    sign: Path | None,
    key_password_file: Path | None,
) -> int:
    """Run the built-in scenarios, or verify your own manifests (-f), and say in one word what is proved.

    It is "certified" when all of it is; "certified with gaps" when every core feature is, and what is not is named;
    else "not certified". A core feature that was skipped or stayed undecided is never success. The certificate is
    in the run's folder, as YAML, as JSON, and as an in-toto statement.

    \b
    meshproof certify -f k8s/
    meshproof certify canary breaker mirror gateway
    meshproof certify -f k8s/ --sign release.pem
    """
    from meshproof.cli.options.signing import signer_of

    how = _How(settings, asked, allowed_by, self_check)
    if scenarios and asked.spec:
        raise UsageError("-f takes the place of scenarios: name either")
    if not asked.spec and (asked != NOTHING or allowed_by or self_check):
        raise UsageError("name the manifests that these options are about: -f FILE, -f DIR, or -f -")
    conclude = _Conclusion(settings.format, accept_gaps, signer_of(sign, key_password_file))
    return how.manifests(conclude) if asked.spec else how.scenarios(scenarios, conclude)


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """What is printed of the certificate, and the exit code that its headline leads to."""

    form: str
    accept_gaps: bool
    key: Signer | None = None

    def __call__(self, folder: Path, code: int) -> int:
        from meshproof.cli.formats import rendered
        from meshproof.report.certificate.files import JSON, SEALED, STATEMENT, YAML
        from meshproof.report.headline.headline import gaps, headline, sentence
        from meshproof.report.log import replay
        from meshproof.report.record import gather
        from meshproof.report.run_folder import EVENTS, write
        from meshproof.report.wording import line
        from meshproof.signing.envelope import seal

        record = gather(replay(folder / EVENTS))
        words = spoken()
        told = sys.stdout if self.form == "table" else sys.stderr
        if self.form == "json":
            sys.stdout.write((folder / JSON).read_text())
        elif self.form != "table":
            sys.stdout.write(rendered(self.form, record))
        print(f"\n{line(sentence(record, words))}", file=told)
        several = list(gaps(record))
        for one in several[:GAPS_SHOWN]:
            place = f"{one.location}: " if one.location else ""
            allowed = words(" (allowed by {name})", name=one.allowed_by) if one.allowed_by else ""
            print(words("  gap  {what}", what=line(f"{place}{one.subject}: {one.why}{allowed}")), file=told)
        if len(several) > GAPS_SHOWN:
            print(words("  and {n} more, which the certificate names", n=len(several) - GAPS_SHOWN), file=told)
        if self.key:
            write(folder / SEALED, seal((folder / STATEMENT).read_bytes(), self.key).text())
            key = f"{self.key.verifier.id[:16]}…"
            print(words("signed by the key {key}: {path}", key=key, path=folder / SEALED), file=sys.stderr)
        print(words("certificate: {path}", path=folder / YAML), file=sys.stderr)
        return exit_code(headline(record).value, code, accept_gaps=self.accept_gaps)


def exit_code(headline: str, code: int, *, accept_gaps: bool) -> int:
    """The command's exit code for this headline, of a run that ended with `code`."""
    from meshproof.report.headline.headline import Headline
    from meshproof.run.exit_codes import EXIT_FAILED, EXIT_PASSED

    if headline == Headline.CERTIFIED or (headline == Headline.WITH_GAPS and accept_gaps):
        return code
    return EXIT_FAILED if code == EXIT_PASSED else code


@dataclass(frozen=True, slots=True)
class _How:
    """What a person asked for."""

    settings: Settings
    asked: Asked
    allowed_by: str
    self_check: Path | None

    def manifests(self, conclude: _Conclusion) -> int:
        target, verification = prepared(self.settings, self.asked)
        score = self._score(verification.sources.specified)
        from meshproof.cli.execute import execute
        from meshproof.run.provenance.gather import of_verification

        made_of = of_verification(
            verification, target, self.asked.question, self.asked.allow_unproven, self.allowed_by, score
        )
        return execute(target, verification.work, self.settings, verification.coverage, made_of, conclude)

    def _score(self, sources: Sequence[Digest]) -> SelfCheckScore | None:
        from meshproof.report.selfcheck.score import score_of

        return score_of(self.self_check, sources) if self.self_check else None

    def scenarios(self, names: Sequence[str], conclude: _Conclusion) -> int:
        from meshproof.cli.execute import execute
        from meshproof.cli.options.targets import target_of
        from meshproof.cli.run import prepared as prepared_scenarios
        from meshproof.run.discover import discover, select
        from meshproof.run.provenance.gather import of_scenarios, offered

        found, settings = select(discover(), names), self.settings
        target = target_of(settings, selected=[one.scenario for one in found])
        # What a person names and the target lacks is skipped, and so not certified.
        chosen, rest = (found, ()) if names else offered(found, target)
        work = prepared_scenarios(settings, chosen, target)
        return execute(target, work, settings, None, of_scenarios(chosen, work, target, rest), conclude)
