"""Whether the condition of an `if` in GRUB's script holds."""

from __future__ import annotations

from collections.abc import Mapping

from meshproof.targets.hosts.grub.script import Word

Truth = bool | None


def holds(words: list[Word], variables: Mapping[str, str], environment: bool) -> Truth:
    """True or False, or None where it is only known at boot; `environment` says whether there is a grubenv."""
    if not words:
        return None
    name = words[0].raw
    values = [word.value(variables) for word in words[1:]]
    if name == "[" and values and values[-1] == "]":
        return _any(values[:-1], environment)
    if name == "test":
        return _any(values, environment)
    return {"true": True, "false": False}.get(name)


def _any(values: list[str], environment: bool) -> Truth:
    parts: list[list[str]] = [[]]
    for value in values:
        if value == "-o":
            parts.append([])
        else:
            parts[-1].append(value)
    found = [_every(part, environment) for part in parts]
    return True if True in found else None if None in found else False


def _every(values: list[str], environment: bool) -> Truth:
    parts: list[list[str]] = [[]]
    for value in values:
        if value == "-a":
            parts.append([])
        else:
            parts[-1].append(value)
    found = [_one(part, environment) for part in parts]
    return False if False in found else None if None in found else True


def _one(values: list[str], environment: bool) -> Truth:
    if values[:1] == ["!"]:
        inner = _one(values[1:], environment)
        return None if inner is None else not inner
    if len(values) == 3 and values[1] in ("=", "=="):
        return values[0] == values[2]
    if len(values) == 3 and values[1] == "!=":
        return values[0] != values[2]
    if len(values) == 3 and values[1] in ("-eq", "-ne", "-lt", "-le", "-gt", "-ge"):
        return _number(*values)
    if len(values) == 2 and values[0] in ("-n", "-z"):
        return bool(values[1]) is (values[0] == "-n")
    if len(values) == 2 and values[0] in ("-s", "-f", "-e"):
        # A custom.cfg beside the configuration is looked for on the host and reported separately.
        return environment if values[1].endswith("grubenv") else False if values[1].endswith("custom.cfg") else None
    if len(values) <= 1:
        return bool(values and values[0])
    return None


def _number(left: str, operator: str, right: str) -> Truth:
    try:
        ours, theirs = int(left), int(right)
    except ValueError:
        return None
    return {
        "-eq": ours == theirs, "-ne": ours != theirs, "-lt": ours < theirs,
        "-le": ours <= theirs, "-gt": ours > theirs, "-ge": ours >= theirs,
    }[operator]  # fmt: skip
