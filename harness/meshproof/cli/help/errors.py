"""What is wrong with a command line, in the language that is asked for: what click says of it, and our own errors."""

from __future__ import annotations

import os
import sys

from meshproof.language.words import ENGLISH, ERROR, meant
from meshproof.language.words import words as words_of

BEFORE = "Error: "


def translated(shown: str) -> str:
    """`shown` is what an error shows by itself: the usage, which is translated already, a hint, and what is wrong."""
    # Not every error knows its context.
    words = words_of(meant(sys.argv[1:], os.environ))
    if words is ENGLISH:
        return shown
    head, _, message = shown.partition(BEFORE)
    hints = "\n".join(words.recognized(line) for line in head.split("\n"))
    return f"{hints}{words(BEFORE)}{words.recognized(message.strip())}\n"


def error_translated(told: str) -> str:
    """The message of an error; where it says what stands at a place in a manifest, it is English."""
    return words_of(meant(sys.argv[1:], os.environ)).recognized(told, ERROR)
