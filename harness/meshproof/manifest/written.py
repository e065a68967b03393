"""Plain data as YAML that every reader takes for the same."""

from __future__ import annotations

from typing import Any

import yaml

from meshproof.manifest.scalar import resolve

WIDTH = 2**30


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes text that go-yaml, or any reader of YAML 1.1, would take for something else in quotes."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: Dumper, text: str) -> yaml.ScalarNode:
    quoted = None if isinstance(resolve(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=quoted)


Dumper.add_representer(str, _text)


def dump(data: Any) -> str:
    """Plain JSON data as one YAML document."""
    text: str = yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text
