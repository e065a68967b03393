"""The process's entry point: what happened becomes a message and an exit code."""

from __future__ import annotations

import io
import os
import sys

from meshproof.signals import ended, interrupt_once
from meshproof.streams import output_lost, repair

EXIT_INTERRUPTED = 2
EXIT_UNDELIVERED = 3


def main() -> None:
    """Run the command line and exit with the code that says what happened."""
    repair()
    try:
        # Until a run takes them over; from before the slow imports.
        interrupt_once()
        code = _code()
    except KeyboardInterrupt:
        print("meshproof: interrupted", file=sys.stderr)
        code = EXIT_INTERRUPTED
    if output_lost() and not code and not _is_verdict(code):
        print("meshproof: standard output is closed or full: what was asked for could not be written", file=sys.stderr)
        code = EXIT_UNDELIVERED
    ended()
    sys.exit(code)


def _is_verdict(code: int) -> bool:
    from meshproof.run.exit_codes import VerdictCode

    return isinstance(code, VerdictCode)


def _code() -> int:
    from meshproof.cli.called import called

    group = called(sys.argv[1:], os.environ)
    import click

    from meshproof.cli.root import NAME
    from meshproof.errors import MeshproofError, UsageError

    try:
        code = group.main(prog_name=NAME, standalone_mode=False)
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        from meshproof.cli.help.errors import translated

        error.show(shown := io.StringIO())
        click.echo(_told(translated(shown.getvalue())), err=True, nl=False)
        return UsageError.exit_code
    except MeshproofError as error:
        from meshproof.cli.help.errors import error_translated

        click.echo(f"{NAME}: {error_translated(_told(str(error)))}", err=True)
        return error.exit_code
    except Exception:
        import traceback

        click.echo(_told(traceback.format_exc()), err=True, nl=False)
        click.echo(f"{NAME}: this is a defect of {NAME}, and no verdict about the mesh", err=True)
        return MeshproofError.exit_code
    return code if isinstance(code, int) else 0


def _told(text: str) -> str:
    """A message that may quote what others wrote: without credentials, and without what a terminal obeys."""
    import re

    from meshproof.redaction.credentials import redact

    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", redact(text))
