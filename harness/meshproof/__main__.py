"""`python -m meshproof`: the command, also where its script is not on PATH."""

from meshproof.cli import main

if __name__ == "__main__":
    main()
