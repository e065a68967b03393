"""The way in and out of the process: what happened becomes a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys

EXIT_INTERRUPTED = 2


def main() -> None:
    """Run the command line and exit with the code that says what happened."""
    try:
        # Until a run takes them over, both ways to be asked to end are one; from before the slow imports.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        code = _code()
    except KeyboardInterrupt:
        print("meshproof: interrupted", file=sys.stderr)
        code = EXIT_INTERRUPTED
    sys.exit(_delivered(code))


def _code() -> int:
    import click

    from meshproof.cli.group import NAME, group
    from meshproof.errors import MeshproofError, UsageError

    try:
        code = group.main(prog_name=NAME, standalone_mode=False)
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        return UsageError.exit_code
    except MeshproofError as error:
        click.echo(f"{NAME}: {error}", err=True)
        return error.exit_code
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo(f"{NAME}: this is a defect of {NAME}, and no verdict about the mesh", err=True)
        return MeshproofError.exit_code
    return code if isinstance(code, int) else 0


def _delivered(code: int) -> int:
    """Write out what is still buffered; whoever read it may have gone away (`| head`), which changes no verdict."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
