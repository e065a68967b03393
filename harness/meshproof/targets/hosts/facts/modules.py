"""Kernel modules: whether they are loaded, and whether they are loaded again at boot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from meshproof.border.facts.hosts import ModuleFacts
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.hosts.facts.files import read

STATE = """r=$(uname -r)
for m in NAMES; do
  if grep -q "^$m " /proc/modules; then s=loaded
  elif grep -q "/$m\\.ko" /lib/modules/$r/modules.builtin 2>/dev/null; then s='built in'
  elif [ -d /sys/module/$m ]; then s='built in'
  elif modprobe -nq $m 2>/dev/null; then s=loadable
  else s=missing; fi
  printf '%s:%s\\n' $m "$s"
done
find /etc/sysconfig/modules -name '*.modules' -perm -u+x 2>/dev/null
true"""
# In the order in which a file's name is looked for: the first of a name hides the others.
LOADING = ("/etc/modules-load.d", "/run/modules-load.d", "/usr/local/lib/modules-load.d", "/usr/lib/modules-load.d")
OLD_FILE = "/etc/modules"
OLD_SCRIPTS = "/etc/sysconfig/modules"
PROBING = ("/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d")


async def modules(connection: Connection, names: Sequence[str], distribution: str) -> tuple[ModuleFacts, ...]:
    """The state of each of these modules (the inventory has checked that the names are module names)."""
    if not names:
        return ()
    plain = [name.replace("-", "_") for name in names]
    said = (await connection.must(STATE.replace("NAMES", " ".join(plain)), what="listing modules")).decode()
    states = dict(line.split(":", 1) for line in said.splitlines() if not line.startswith("/"))
    scripts = {line for line in said.splitlines() if line.startswith("/")}
    folders = [f"{folder}/*.conf" for folder in (*LOADING, *PROBING)]
    files = await read(connection, [*folders, OLD_FILE, f"{OLD_SCRIPTS}/*.modules"])
    texts = {
        path: text
        for path, text in files.texts.items()
        # EL7's rhel-loadmodules runs the executable scripts of this folder.
        if not path.startswith(OLD_SCRIPTS) or (path in scripts and distribution in ("centos", "rhel", "ol"))
    }
    return tuple(
        ModuleFacts(name, states.get(name, "missing"), persisted(name, texts), blacklisted(name, texts))
        for name in plain
    )


def persisted(name: str, texts: Mapping[str, str]) -> str:
    """The file that has a module loaded at boot, empty if none does (modules-load.d(5))."""
    for path, text in _effective(texts, LOADING).items():
        if name in _words(text):
            return path
    for path, text in texts.items():
        if path == OLD_FILE and name in _words(text):
            return path
        if path.startswith(OLD_SCRIPTS) and any(name in line.split() for line in text.replace("-", "_").splitlines()):
            return path
    return ""


def blacklisted(name: str, texts: Mapping[str, str]) -> str:
    """The file that keeps a module from being loaded at boot (modprobe.d(5)): systemd-modules-load follows it."""
    for path, text in _effective(texts, PROBING).items():
        for line in text.splitlines():
            words = line.split()
            if words[:1] == ["blacklist"] and [word.replace("-", "_") for word in words[1:2]] == [name]:
                return path
    return ""


def _effective(texts: Mapping[str, str], folders: Sequence[str]) -> dict[str, str]:
    """The files of these folders that are not hidden by one of the same name in an earlier one."""
    found: dict[str, tuple[str, str]] = {}
    for folder in folders:
        for path, text in texts.items():
            if str(PurePosixPath(path).parent) == folder:
                found.setdefault(PurePosixPath(path).name, (path, text))
    return dict(found[name] for name in sorted(found))


def _words(text: str) -> set[str]:
    """The names in a file of modules-load.d: one in a line, `#` and `;` begin comments.

    systemd takes the whole line for one name, and loads nothing by a line with two.
    """
    lines = [line.split() for line in text.splitlines()]
    return {words[0].replace("-", "_") for words in lines if len(words) == 1 and words[0][0] not in "#;"}
