"""Dataclasses that cost little until they are used.

The standard library writes five functions for each class and compiles them when the class is made: half a millisecond,
and most of what a command of many small modules takes before it does anything. Here a class is made in a tenth of
that. Its first objects are filled without a function of its own; a class that has more of them gets the `__init__`
that it would have had. What is seen from outside is the same: `fields`, `replace`, `asdict`, matching, comparing,
hashing, signatures, and that what is frozen stays as it is.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import dataclass as dataclass
    from inspect import Signature

    Fields = Mapping[str, dataclasses.Field[Any]]
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, order: bool = False) -> Callable[[type], type]:
        """As the decorator of the standard library with these options."""
        return lambda made: _class(made, frozen=frozen, slots=slots, order=order)


# To compile a function takes as long as to fill so many objects without one.
FEW = 40
MISSING = dataclasses.MISSING
# What a class has for itself, whatever it is made with.
ITS_OWN = ("__dict__", "__weakref__")
_set = object.__setattr__


class _Factory:
    """Stands for a value that is made for each object, in a signature, and for who passes on what stands there."""

    def __repr__(self) -> str:
        return "<factory>"


FACTORY = _Factory()


def _class(made: type, *, frozen: bool, slots: bool, order: bool) -> type:
    """The class with all that a dataclass has; another one where it has slots, which only a new class can have."""
    fields: dict[str, dataclasses.Field[Any]] = {}
    for base in made.__mro__[-1:0:-1]:
        fields |= base.__dict__.get("__dataclass_fields__", {})
    own = _declared(made)
    fields |= own
    explicit = made.__dict__
    added = {
        "__dataclass_fields__": fields,
        "__dataclass_params__": _Options(frozen, order),
        "__match_args__": tuple(name for name, one in fields.items() if one.init),
        "__signature__": _Signature(),
        "__init__": _filling(fields),
        "__repr__": _repr,
        **_comparing(fields, order),
        **(FROZEN if frozen else {}),
        **(COPIED if frozen and slots else {}),
    }
    if not frozen:
        added["__hash__"] = None
    for name in added.keys() & explicit.keys():
        # Where a class says how it compares, Python notes that it has no hash.
        if explicit[name] is not None:
            del added[name]
    if slots:
        body = {name: value for name, value in explicit.items() if name not in own and name not in ITS_OWN} | added
        held = {name for base in made.__mro__[1:] for name in base.__dict__.get("__slots__", ())}
        body["__slots__"] = tuple(name for name in own if name not in held)
        body["__qualname__"] = made.__qualname__
        return type(made)(made.__name__, made.__bases__, body)
    for name, one in own.items():
        if one.default is not MISSING:
            added[name] = one.default
        elif name in explicit:
            delattr(made, name)
    for name, value in added.items():
        setattr(made, name, value)
    return made


def _declared(made: type) -> dict[str, dataclasses.Field[Any]]:
    """The fields that a class itself names."""
    found: dict[str, dataclasses.Field[Any]] = {}
    for name, kind in made.__annotations__.items():
        default = made.__dict__.get(name, MISSING)
        one: Any = default if isinstance(default, dataclasses.Field) else dataclasses.field(default=default)
        one.name, one.type, one.kw_only = name, kind, False
        one._field_type = dataclasses._FIELD  # type: ignore[attr-defined]  # by which fields() knows it
        found[name] = one
    return found


def _filling(fields: Fields) -> Callable[..., None]:
    """An `__init__` for the first objects, which then puts another in its place."""
    names = [name for name, one in fields.items() if one.init]
    objects = 0

    def fill(self: Any, /, *values: Any, **named: Any) -> None:
        nonlocal objects
        objects += 1
        given = dict(zip(names, values, strict=False)) | named
        if objects > FEW or len(given) < len(values) + len(named) or not _fill(self, fields, given):
            # What is given wrongly is refused by it, in the usual words.
            owner = next(one for one in type(self).__mro__ if one.__dict__.get("__init__") in (fill, *made))
            made[:] = [_compiled(owner, fields)]
            setattr(owner, "__init__", made[0])  # noqa: B010
            made[0](self, *values, **named)

    made: list[Callable[..., None]] = []
    fill.__name__ = "__init__"
    # Whoever asks for the types of a class gets those of its fields.
    fill.__annotations__ = {}
    return fill


def _fill(self: Any, fields: Fields, given: dict[str, Any]) -> bool:
    """Whether all that is given has its place, and all that is needed is given."""
    for name, one in fields.items():
        if one.init and name in given and (value := given.pop(name)) is not FACTORY:
            pass
        elif one.default is not MISSING:
            value = one.default
        elif one.default_factory is not MISSING:
            value = one.default_factory()
        elif one.init:
            return False
        else:
            continue
        _set(self, name, value)
    if not given and hasattr(self, "__post_init__"):
        self.__post_init__()
    return not given


def _compiled(owner: type, fields: Fields) -> Callable[..., None]:
    """The `__init__` of a class as a function of its own."""
    known: dict[str, Any] = {"FACTORY": FACTORY}
    parameters, lines = ["self"], []
    for name, one in fields.items():
        value, default = name, ""
        if one.default is not MISSING:
            known[f"_default_{name}"] = one.default
            default = f"_default_{name}"
        elif one.default_factory is not MISSING:
            known[f"_made_{name}"] = one.default_factory
            default = "FACTORY"
            value = f"_made_{name}() if {name} is FACTORY else {name}"
        if one.init:
            parameters.append(f"{name}={default}" if default else name)
        elif not default:
            continue
        else:
            value = f"_made_{name}()" if default == "FACTORY" else default
        known[f"_set_{name}"] = _setter(owner, name)
        lines.append(f"_set_{name}(self, {value})")
    if hasattr(owner, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n  " + "\n  ".join(lines or ["pass"]), known)  # noqa: S102  # names of fields alone
    function = known["__init__"]
    function.__qualname__ = f"{owner.__qualname__}.__init__"
    function.__module__ = owner.__module__
    function.__annotations__ = {name: one.type for name, one in fields.items() if one.init} | {"return": None}
    return function  # type: ignore[no-any-return]


def _setter(owner: type, name: str) -> Callable[[Any, Any], None]:
    """What gives an object of a class a value of that name, though it may be frozen."""
    slot = getattr(owner, name, None)
    if isinstance(slot, MemberDescriptorType):
        return slot.__set__
    return lambda self, value: _set(self, name, value)


def _comparing(fields: Fields, order: bool) -> dict[str, Any]:
    """`__eq__`, `__hash__` and, where there is an order, what compares by it."""
    values = _values([name for name, one in fields.items() if one.compare])
    hashed = _values([name for name, one in fields.items() if (one.compare if one.hash is None else one.hash)])

    def equal(self: Any, other: object) -> bool:
        if other is self:
            return True
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    found: dict[str, Any] = {"__eq__": equal, "__hash__": lambda self: hash(hashed(self))}
    if order:
        import operator

        for name in ("lt", "le", "gt", "ge"):
            found[f"__{name}__"] = _ordering(getattr(operator, name), values)
    return found


def _ordering(compare: Callable[[Any, Any], bool], values: Callable[[Any], tuple[Any, ...]]) -> Callable[..., bool]:
    def ordered(self: Any, other: object) -> bool:
        return compare(values(self), values(other)) if other.__class__ is self.__class__ else NotImplemented

    return ordered


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What gives an object's values under these names."""
    if len(names) > 1:
        return attrgetter(*names)
    return (lambda self: (getattr(self, names[0]),)) if names else (lambda _self: ())


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        _set(self, one.name, value)


FROZEN = {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
# Without these nothing could copy an object that is frozen and has no `__dict__`.
COPIED = {"__getstate__": _state, "__setstate__": _set_state}


class _Options:
    """What the standard library looks at when one of its own dataclasses inherits."""

    init = repr = eq = match_args = True
    unsafe_hash = kw_only = slots = weakref_slot = False

    def __init__(self, frozen: bool, order: bool) -> None:
        self.frozen, self.order = frozen, order


class _Signature:
    """The signature of the class, for who asks for it: nothing here does."""

    def __get__(self, instance: object, owner: type) -> Signature:
        from inspect import signature

        whole = signature(_compiled(owner, owner.__dataclass_fields__))  # type: ignore[attr-defined]
        return whole.replace(parameters=[*whole.parameters.values()][1:])
