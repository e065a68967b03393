"""Plain scalars as Kubernetes' YAML reader takes them: sigs.k8s.io/yaml 1.6, that is go-yaml v2 and then JSON.

Unlike PyYAML it knows no base-60 numbers and leaves dates as text; every key of a mapping becomes text.
Source: go.yaml.in/yaml/v2 resolve.go, sigs.k8s.io/yaml yaml.go (convertToJSONableObject).
"""

from __future__ import annotations

import math
import re
import struct
import sys

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TRUTHS = frozenset(spelling for word in ("y", "yes", "on", "true") for spelling in (word, word.title(), word.upper()))
LIES = frozenset(spelling for word in ("n", "no", "off", "false") for spelling in (word, word.title(), word.upper()))
INFINITIES = frozenset(f"{sign}.{word}" for sign in ("", "+", "-") for word in ("inf", "Inf", "INF"))
NOT_NUMBERS = frozenset({".nan", ".NaN", ".NAN"})
# strconv.ParseInt with base 0, whose underscores go-yaml takes away beforehand.
WHOLE = re.compile(r"([-+]?)(?:0[bB]([01]+)|0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
# Go's ParseFloat, to which go-yaml leaves what begins with a point: underscores separate digits there.
POINTED = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?", re.ASCII)
LEAST_WHOLE, MOST_WHOLE = -(2**63), 2**64 - 1
MOST_DIGITS = 64
# Above so many places before the point Go writes an exponent.
MOST_PLACES = 6
NUMERIC = frozenset("+-.0123456789")
NAMED = frozenset("yYnNtTfFoO~.+-")
# So many different texts are remembered while a file is read.
MOST_REMEMBERED = 4096


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a plain (unquoted, untagged) scalar; infinities and NaN are floats, which JSON does not have."""
    if not text:
        return None
    first = text[0]
    if first in NAMED:
        if text in NULLS:
            return None
        if text in TRUTHS:
            return True
        if text in LIES:
            return False
        if text in INFINITIES or text in NOT_NUMBERS:
            return float(text.replace(".", "", 1))
    return _number(text) if first in NUMERIC else text


class PlainScalars(dict[str, "tuple[str | int | float | bool | None, str | None]"]):
    """What plain scalars are, and the text of those that are no text; most of a file's are there many times."""

    def __missing__(self, text: str) -> tuple[str | int | float | bool | None, str | None]:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        data = resolve(text)
        found = self[text] = (sys.intern(data), None) if isinstance(data, str) else (data, text)
        return found


class PlainKeys(dict[str, "str | None"]):
    """What plain keys are called; None for null, which is no name."""

    def __missing__(self, text: str) -> str | None:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        data = resolve(text)
        found = self[text] = None if data is None else sys.intern(key_text(data))
        return found


def _number(text: str) -> str | int | float:
    if text[0] == ".":
        return _float(text.replace("_", "")) if POINTED.fullmatch(text) else text
    digits = text.replace("_", "")
    found = WHOLE.fullmatch(digits)
    if found and (whole := _whole(found)) is not None:
        return whole
    if not FLOAT.fullmatch(digits):
        return text
    number = _float(digits)
    return text if isinstance(number, str) else number


def _whole(found: re.Match[str]) -> int | None:
    """The whole number, None where it has more than 64 bits or a sign that 64 bits without one leave no space for."""
    sign, binary, hexadecimal, octal, decimal = found.groups()
    if decimal is not None and len(decimal) > MOST_DIGITS:
        return None
    several = ((binary, 2), (hexadecimal, 16), (octal, 8), (decimal, 10))
    value = next(int(text, base) for text, base in several if text is not None)
    value = -value if sign == "-" else value
    if value < LEAST_WHOLE or value > (MOST_WHOLE if not sign else 2**63 - 1):
        return None
    return value


def _float(digits: str) -> str | float:
    """The number, or the text itself where it is too large for 64 bits: Go's ParseFloat fails then."""
    number = float(digits)
    return digits if number in (float("inf"), float("-inf")) else number


def key_text(data: str | int | float | bool) -> str:
    """What a mapping's key is called in JSON: `on` is `true`, `0x10` is `16`, `1e6` is `1e+06`."""
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, int):
        return str(data)
    return _shortest(data) if isinstance(data, float) else data


def _shortest(number: float) -> str:
    """Go's FormatFloat(number, 'g', -1, 32), as sigs.k8s.io/yaml writes keys."""
    if number != number:
        return ".nan"
    try:
        rounded = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        rounded = float("inf") if number > 0 else float("-inf")
    if rounded in (float("inf"), float("-inf")):
        return ".inf" if rounded > 0 else "-.inf"
    form = next(form for form in (f"{rounded:.{n}e}" for n in range(17)) if _as_single(float(form)) == rounded)
    mantissa, _, exponent = form.partition("e")
    digits = mantissa.replace(".", "").replace("-", "").rstrip("0") or "0"
    power = int(exponent)
    sign = "-" if math.copysign(1, rounded) < 0 else ""
    if -4 <= power < MOST_PLACES:
        return sign + _positional(digits, power)
    shown = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{sign}{shown}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _as_single(number: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return float("inf")


def _positional(digits: str, power: int) -> str:
    if power < 0:
        return f"0.{'0' * (-power - 1)}{digits}"
    whole, rest = digits[: power + 1].ljust(power + 1, "0"), digits[power + 1 :]
    return f"{whole}{'.' if rest else ''}{rest}"
