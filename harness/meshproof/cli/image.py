"""`meshproof image`: what the probe image is built from."""

from __future__ import annotations

from pathlib import Path

import click

from meshproof.errors import UsageError


@click.command(short_help="Write what the probe image is built from.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def image(folder: Path) -> int:
    """Write what the probe image is built from: a Dockerfile, and a wheel of this meshproof.

    An existing cluster gets its workloads and its client from that image. Any container engine builds
    it, and needs the base image python:3.12-slim, or another one with Python 3.11 or newer and pip
    (--build-arg BASE=REF). DIR is new or empty.

    \b
    meshproof image probe
    docker build -t registry.example/meshproof/probe:1 probe
    docker push registry.example/meshproof/probe:1
    meshproof run canary --target cluster --context staging \\
      --image registry.example/meshproof/probe:1
    """
    from meshproof.targets.probe_image.image import context

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty: name another folder")
        context(folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot write there: {error.strerror}") from None
    click.echo(folder)
    return 0
