"""A dataclass that is made cheaply and one of the standard library cannot be told apart."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import cached_property
from typing import Any, get_type_hints

import pytest
from meshproof import records

MAKERS = {"records": records.dataclass, "dataclasses": dataclasses.dataclass}


def several(maker: Any) -> dict[str, Any]:
    """Classes of each kind that the project has."""

    @maker(frozen=True, slots=True)
    class Plain:
        name: str
        count: int = 1
        labels: Mapping[str, str] = field(default_factory=dict, hash=False)
        hidden: str = field(default="", compare=False, repr=False)

        def shouted(self) -> str:
            return self.name.upper()

    @maker(frozen=True, slots=True)
    class Inherits(Plain):
        more: tuple[int, ...] = ()

    @maker(frozen=True, slots=True, order=True)
    class Ordered:
        first: int
        second: str = "a"

    @maker(frozen=True, slots=True)
    class Empty:
        pass

    @maker(frozen=True)
    class Remembers:
        number: int = 2

        @cached_property
        def doubled(self) -> int:
            return self.number * 2

    @maker(slots=True)
    class Changes:
        name: str
        items: list[str] = field(default_factory=list)
        length: int = field(init=False, default=0)

        def __post_init__(self) -> None:
            self.length = len(self.name)

    @maker(frozen=True, slots=True)
    class Says:
        name: str

        def __repr__(self) -> str:
            return f"<{self.name}>"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Says) and self.name.lower() == other.name.lower()

        def __hash__(self) -> int:
            return hash(self.name.lower())

    @maker(frozen=True, slots=True)
    class OnlyEqual:
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, OnlyEqual)

    found = (Plain, Inherits, Ordered, Empty, Remembers, Changes, Says, OnlyEqual)
    return {one.__name__: one for one in found}


def outcome(action: Callable[[], Any]) -> Any:
    """What comes of it, or what it is refused with."""
    try:
        return action()
    except Exception as error:
        return type(error).__name__, str(error)


def seen(kinds: dict[str, Any]) -> list[Any]:
    """All that a caller can see of them."""
    plain, inherits, ordered, empty, remembers, changes, says, equal = kinds.values()
    a = plain("a", labels={"x": "y"})
    changed = changes("abc", ["d"])
    changed.name = "e"
    found: list[Any] = [
        outcome(lambda: plain()),
        outcome(lambda: plain("a", 1, {}, "h", 5)),
        outcome(lambda: plain("a", name="b")),
        outcome(lambda: plain("a", other=1)),
        outcome(lambda: setattr(a, "name", "b")),
        outcome(lambda: delattr(a, "name")),
        outcome(lambda: setattr(remembers(), "number", 3)),
        outcome(lambda: hash(changed)),
        outcome(lambda: changes("abc", length=3)),
        outcome(lambda: ordered(1) < 1),
        outcome(lambda: plain("a") < plain("b")),
        outcome(lambda: object.__setattr__(a, "unknown", 1)),
        *(repr(one) for one in (a, inherits("i", more=(1,)), ordered(1), empty(), remembers(), changed, says("s"))),
        a == plain("a", labels={"x": "y"}, hidden="other"),
        a == plain("a"),
        a == inherits("a", labels={"x": "y"}),
        a != ordered(1),
        hash(a) == hash(plain("a", labels={"z": "y"}, hidden="h")),
        hash(a) == hash(plain("b")),
        empty() == empty(),
        hash(empty()) == hash(empty()),
        says("A") == says("a"),
        len({says("A"), says("a")}),
        equal("a") == equal("b"),
        hash(equal("a")) == hash(equal("b")),
        sorted([ordered(2), ordered(1, "b"), ordered(1)]) == [ordered(1), ordered(1, "b"), ordered(2)],
        ordered(1) <= ordered(1),
        ordered(1) > ordered(1),
        ordered(1) >= ordered(1),
        (remembers(4).doubled, remembers().number, remembers.number),
        (changed.items, changed.length, plain("a").labels is plain("a").labels),
        dataclasses.asdict(inherits("i", more=(1,))),
        repr(dataclasses.replace(a, count=7)),
        outcome(lambda: dataclasses.replace(a, other=7)),
        outcome(lambda: dataclasses.replace(changed, length=7)),
        a.shouted(),
    ]
    for kind in kinds.values():
        found += [
            [(one.name, one.type, one.init, one.repr, one.compare, one.hash) for one in dataclasses.fields(kind)],
            (dataclasses.is_dataclass(kind), kind.__match_args__, kind.__qualname__, kind.__module__),
            kind.__dict__.get("__slots__"),
            hasattr(kind, "__dict__") and "__dict__" in dir(kind),
            kind.__init__.__name__,
        ]
        parameters = inspect.signature(kind).parameters
        found.append([str(one) for one in parameters.values()])
    return found


def test_all_that_can_be_seen_is_the_same() -> None:
    ours, standard = (several(maker) for maker in MAKERS.values())
    assert seen(ours) == seen(standard)


def test_the_types_of_a_class_are_those_of_its_fields_before_it_has_any_object() -> None:
    made = several(records.dataclass)["Plain"]
    assert set(get_type_hints(made.__init__)) <= {"name", "count", "labels", "hidden", "return"}
    assert get_type_hints(made, localns={"Mapping": Mapping})["count"] is int


def test_it_is_the_same_once_a_class_has_many_objects() -> None:
    ours, standard = (several(maker) for maker in MAKERS.values())
    examples = {
        "Plain": ("a",),
        "Inherits": ("a",),
        "Ordered": (1,),
        "Empty": (),
        "Remembers": (),
        "Changes": ("abc",),
        "Says": ("s",),
        "OnlyEqual": ("s",),
    }
    for name, values in examples.items():
        first = ours[name].__init__
        for _ in range(records.FEW + 1):
            ours[name](*values)
        assert ours[name].__init__ is not first
        assert repr(ours[name](*values)) == repr(standard[name](*values)) or name == "Says"
    assert seen(ours) == seen(standard)


def test_a_class_that_inherits_takes_the_place_of_its_own_init_alone() -> None:
    kinds = several(records.dataclass)
    for _ in range(records.FEW + 5):
        kinds["Inherits"]("i", 2, more=(3,))
    assert repr(kinds["Plain"]("p", 3)).endswith("Plain(name='p', count=3, labels={})")

    class Bare(kinds["Plain"]):  # type: ignore[misc]
        pass

    several_bare = [Bare(f"b{number}") for number in range(records.FEW + 5)]
    assert several_bare[-1].name == f"b{records.FEW + 4}"
    assert "__init__" not in Bare.__dict__


def test_the_standard_library_inherits_from_it() -> None:
    plain: Any = several(records.dataclass)["Plain"]

    @dataclasses.dataclass(frozen=True, slots=True)
    class Further(plain):  # type: ignore[misc]
        further: int = 0

    assert repr(Further("f", further=2)).endswith("Further(name='f', count=1, labels={}, further=2)")
    with pytest.raises(TypeError, match="cannot inherit non-frozen"):
        dataclasses.dataclass(type("Loose", (plain,), {}))


@records.dataclass(frozen=True, slots=True)
class Kept:
    """Found by its name, as what is pickled has to be."""

    name: str
    also: tuple[int, ...] = ()


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_it_is_copied_and_sent(way: Callable[[Any], Any]) -> None:
    assert way(Kept("k", (1,))) == Kept("k", (1,))


def test_what_stands_in_a_signature_may_be_passed_on() -> None:
    plain: Any = several(records.dataclass)["Plain"]
    default = inspect.signature(plain).parameters["labels"].default
    for _ in range(records.FEW + 5):
        assert plain("a", labels=default).labels == {}


def test_patterns_match_it() -> None:
    match Kept("k", (1,)):
        case Kept(name, (one,)):
            assert (name, one) == ("k", 1)
        case _:
            pytest.fail("no match")


def test_nothing_is_compiled_for_a_class_that_is_not_used() -> None:
    code = (
        "import builtins, sys\n"
        "from meshproof.records import dataclass\n"
        "real = builtins.exec\n"
        "def counted(*given):\n"
        "    print('compiled')\n"
        "    return real(*given)\n"
        "builtins.exec = counted\n"
        "def one():\n"
        "    @dataclass(frozen=True, slots=True)\n"
        "    class Unused:\n"
        "        name: str\n"
        "        count: int = 1\n"
        "    return Unused\n"
        "first = one()('a')\n"
        "assert first == first and hash(first) and repr(first)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
