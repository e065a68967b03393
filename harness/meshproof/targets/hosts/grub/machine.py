"""Evaluates a generated grub.cfg as far as it determines the menu and its default entry."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import pairwise
from pathlib import PurePosixPath

from meshproof.records import dataclass
from meshproof.targets.hosts.grub.bls import BlsEntry
from meshproof.targets.hosts.grub.condition import holds
from meshproof.targets.hosts.grub.script import BREAK, Word, tokens

LINUX = ("linux", "linux16", "linuxefi")
ENDS = ("fi", "else", "elif", "done", "}")
# What GRUB itself sets before it reads its configuration.
BUILT_IN = {"feature_menuentry_id": "y", "menuentry_id_option": "--id", "feature_default_font_path": "y"}
DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the menu; a submenu has `children`."""

    title: str
    id: str
    kernel: str
    children: tuple[Item, ...] | None = None


@dataclass(slots=True)
class Machine:
    """The state of a script so far. `default_as_written` is the last value assigned to `default`, unexpanded."""

    environment: Mapping[str, str]
    bls: Sequence[BlsEntry]
    variables: dict[str, str]
    items: list[Item] = field(default_factory=list)
    default_as_written: str = ""
    doubts: list[str] = field(default_factory=list)
    follows: str = ""


def run(text: str, environment: Mapping[str, str], bls: Sequence[BlsEntry], firmware: str) -> Machine:
    """The menu and the variables at the end of the script; never raises: `doubts` say what could not be evaluated."""
    platform = "efi" if firmware == "uefi" else "pc"
    machine = Machine(environment, bls, {**BUILT_IN, "grub_platform": platform})
    words = list(tokens(text))
    at = 0
    while at < len(words):
        after = _block(machine, words, at, 0)
        at = after + 1 if after < len(words) else after
    return machine


def kernel_of(path: str) -> str:
    """The release in the name of a kernel's file (`/vmlinuz-5.4.119-1.el7.elrepo.x86_64`), empty if none is."""
    name = PurePosixPath(path).name
    for prefix in ("vmlinuz-", "vmlinux-", "kernel-", "bzImage-"):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return ""


def _block(machine: Machine, words: list[Word], at: int, depth: int) -> int:
    """Run commands up to a word that ends the block; the index of that word."""
    while at < len(words):
        word = words[at]
        if _mark(word) in (BREAK, ";"):
            at += 1
        elif _mark(word) in ENDS:
            return at
        elif _mark(word) == "if":
            at = _if(machine, words, at, depth + 1)
        elif _mark(word) in ("menuentry", "submenu"):
            at = _entry(machine, words, at, depth + 1)
        elif _mark(word) in ("function", "while", "until", "for"):
            at = _skipped(words, at)
        else:
            end = _end_of_command(words, at)
            _command(machine, words[at:end])
            at = end
        if depth > DEEPEST:
            machine.doubts.append("blocks are nested too deep")
            return len(words)
    return at


def _mark(word: Word) -> str:
    return "" if word.quoted else word.raw


def _end_of_command(words: list[Word], at: int) -> int:
    end = at
    while end < len(words) and _mark(words[end]) not in (BREAK, ";", "{", "}"):
        end += 1
    # A brace where a command would begin is a command of its own: the index must advance.
    return max(end, at + 1)


def _if(machine: Machine, words: list[Word], at: int, depth: int) -> int:
    """`if … then … elif … else … fi`: the branch that is taken; where that is unknown, whether they differ."""
    decided = False
    while at < len(words) and _mark(words[at]) in ("if", "elif"):
        end = _end_of_command(words, at + 1)
        condition = words[at + 1 : end]
        verdict = holds(condition, machine.variables, bool(machine.environment))
        at = end
        while at < len(words) and _mark(words[at]) in (BREAK, ";"):
            at += 1
        at += 1  # then
        branch = machine if verdict and not decided else _copy(machine)
        at = _block(branch, words, at, depth)
        if verdict is None and not decided and _differ(branch, machine):
            machine.doubts.append(f"whether {' '.join(word.raw for word in condition)} holds is known at boot only")
        decided = decided or bool(verdict)
    if at < len(words) and _mark(words[at]) == "else":
        at = _block(_copy(machine) if decided else machine, words, at + 1, depth)
    return at + 1


def _copy(machine: Machine) -> Machine:
    return Machine(machine.environment, machine.bls, dict(machine.variables), list(machine.items))


def _differ(one: Machine, other: Machine) -> bool:
    return one.variables.get("default") != other.variables.get("default") or len(one.items) != len(other.items)


def _entry(machine: Machine, words: list[Word], at: int, depth: int) -> int:
    end = at
    while end < len(words) and _mark(words[end]) not in ("{", BREAK):
        end += 1
    values = [word.value(machine.variables) for word in words[at + 1 : end]]
    kind, title = words[at].raw, values[0] if values else ""
    identity = values[values.index("--id") + 1] if "--id" in values[:-1] else title
    body = _braced(words, end)
    inside = words[end + 1 : body - 1]
    if kind == "submenu":
        sub = Machine(machine.environment, machine.bls, dict(machine.variables))
        _block(sub, inside, 0, depth)
        machine.doubts += sub.doubts
        machine.items.append(Item(title, identity, "", tuple(sub.items)))
    else:
        machine.items.append(Item(title, identity, _kernel(inside, machine.variables)))
    return body


def _kernel(body: list[Word], variables: Mapping[str, str]) -> str:
    for first, second in pairwise(body):
        if _mark(first) in LINUX:
            return kernel_of(second.value(variables))
    return ""


def _skipped(words: list[Word], at: int) -> int:
    """The index after a function or a loop, which generated configurations do not use for the menu."""
    if _mark(words[at]) == "function":
        while at < len(words) and _mark(words[at]) != "{":
            at += 1
        return _braced(words, at)
    depth = 0
    while at < len(words):
        depth += {"do": 1, "done": -1}.get(_mark(words[at]), 0)
        at += 1
        if _mark(words[at - 1]) == "done" and depth == 0:
            break
    return at


def _braced(words: list[Word], at: int) -> int:
    """The index after the block whose `{` is at `at`."""
    depth = 0
    while at < len(words):
        depth += {"{": 1, "}": -1}.get(_mark(words[at]), 0)
        at += 1
        if depth == 0:
            break
    return at


def _command(machine: Machine, words: list[Word]) -> None:
    name = words[0].raw
    values = [word.value(machine.variables) for word in words[1:]]
    if re.match(r"[A-Za-z_]\w*=", name):
        # NAME=VALUE is the same as `set NAME=VALUE`.
        name, values, words = "set", [words[0].value(machine.variables), *values], [words[0], *words]
    if name == "set" and values:
        variable, _, value = values[0].partition("=")
        machine.variables[variable] = value
        if variable == "default":
            machine.default_as_written = words[1].raw.partition("=")[2]
    elif name == "unset" and values:
        machine.variables.pop(values[0], None)
    elif name == "load_env":
        file = values[values.index("-f") + 1] if "-f" in values[:-1] else "grubenv"
        if file.endswith("grubenv"):
            machine.variables |= machine.environment
    elif name == "blscfg":
        machine.items += [Item(one.title, one.id, kernel_of(one.linux) or one.version) for one in machine.bls]
    elif name in ("configfile", "normal") and values:
        machine.follows = values[0]
