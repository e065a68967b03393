"""One thing that a mesh does with a request."""

from __future__ import annotations

from collections.abc import Hashable

from meshproof.border.expectation import Arm, Copy
from meshproof.language.words import Words
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is done: `value` is compared, `text` is shown.

    `own` tells that the text is of the request's own making, such as a path: others with another one may change alike.
    `detail` is what is shown beside a text that is the same on both sides.
    """

    value: Hashable
    text: str
    own: bool = False
    detail: str = ""

    def shown(self, other: Part) -> str:
        """The text beside that of the other side."""
        return f"{self.text} ({self.detail})" if self.detail and self.text == other.text else self.text


def none(words: Words) -> Part:
    """What is not done."""
    return Part(None, words("none"))


def key_of(mesh: Mesh, one: Arm | Copy) -> Hashable:
    """What a destination really is: its pods and the port of theirs, or what is answered where there are none.

    Of pods of two versions, which a Rollout's controller tells apart by labels that no manifest has, two names are two
    destinations.
    """
    if not one.workloads:
        return "nobody", one.status if isinstance(one, Arm) else 0
    several = filter(None, map(mesh.workload, one.workloads))
    versions = one.destination if any(each.versions for each in several) else ""
    return one.workloads, target_of(mesh, one), versions


def target_of(mesh: Mesh, one: Arm | Copy) -> int | str:
    """The port of its pods that a destination is called on; its name where its pods have several of that name."""
    service = mesh.service(one.host)
    ports = service.ports if service else ()
    target = next((port.target for port in ports if port.number == one.port), one.port)
    if isinstance(target, int):
        return target
    several = filter(None, map(mesh.workload, one.workloads))
    numbers = {port.number for each in several for port in each.ports if port.name == target}
    return numbers.pop() if len(numbers) == 1 else target


def several(values: dict[Hashable, str], names: dict[Hashable, str], alike: str, words: Words) -> Part:
    """What is told of each destination, by `key_of`; once where it is the same for all (`alike` if that is nothing)."""
    texts = set(values.values())
    if len(texts) <= 1:
        return Part(frozenset(texts - {""}), next(iter(texts), "") or alike)
    told = (words("{what} at {name}", what=text or alike, name=names[key]) for key, text in values.items())
    return Part(frozenset(values.items()), "; ".join(told))
