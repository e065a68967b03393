"""`python -m meshproof.traffic SHAPE`: the load generator where it has to stand, in a container say.

It becomes Locust with the locustfile of that shape that is installed here; whoever runs it speaks with
it over its standard input and output.
"""

from __future__ import annotations

import os
import sys

from meshproof.border.load import Vantage
from meshproof.errors import MeshproofError
from meshproof.traffic.locust import command_line


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m meshproof.traffic SHAPE")
    try:
        argv, env, folder = command_line(sys.argv[1], Vantage())
    except MeshproofError as error:
        sys.exit(f"meshproof.traffic: {error}")
    os.chdir(folder or ".")
    os.execve(argv[0], argv, env or dict(os.environ))  # noqa: S606 - it is Locust from here on


if __name__ == "__main__":
    main()
