"""Redaction: labels in the place of the names and addresses of hosts, unless --show-names is given."""

from __future__ import annotations

import re
from dataclasses import field

from meshproof.border.inventory import HostEntry, Inventory
from meshproof.records import dataclass

JUMP = "jump-host"
REGISTRY = "the-registry"
# These names say nothing about a host.
PUBLIC = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(slots=True)
class HostRedaction:
    """Puts a host's label in the place of its name and address; with `names` it leaves everything as it is."""

    names: bool = False
    _labels: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, inventory: Inventory, *, names: bool = False) -> HostRedaction:
        redaction = cls(names)
        for host in inventory.hosts:
            redaction.learn(host.label, host.name, host.address)
            if host.jump is not None:
                redaction.learn(JUMP, host.jump.address)
        if inventory.registry is not None:
            redaction.learn(REGISTRY, inventory.registry.url.partition("://")[2].rpartition(":")[0])
            redaction.learn(REGISTRY, inventory.registry.url.partition("://")[2])
        return redaction

    def learn(self, label: str, *words: str) -> None:
        """From now on `label` stands for these words, where no other label does already."""
        for word in words:
            if word and word not in PUBLIC:
                self._labels.setdefault(word, label)

    def name(self, entry: HostEntry) -> str:
        """A host's name in reports and errors."""
        return entry.name if self.names else entry.label

    def __call__(self, text: str) -> str:
        if self.names or not self._labels:
            return text
        longest_first = sorted(self._labels, key=len, reverse=True)
        words = "|".join(re.escape(word) for word in longest_first)
        return re.sub(rf"(?<![\w.-])(?:{words})(?![\w-])", lambda found: self._labels[found[0]], text)
