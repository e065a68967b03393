"""What one translation leaves for the next one of the same proxy: made anew only where its inputs have changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")

# So many are kept, those that were asked for last: four of each proxy.
LIMIT = 32
_kept: OrderedDict[Hashable, tuple[object, Any]] = OrderedDict()


def reused(key: Hashable, inputs: object, make: Callable[[], Made]) -> Made:
    """What `make` gave for this key when it was last asked for, if the inputs are equal to those of then.

    `make` must read nothing that is neither in the key nor in the inputs, and nobody may change what it gives. Long
    tuples of the very same objects are compared fast.
    """
    found = _kept.get(key)
    if found is None or found[0] != inputs:
        found = inputs, make()
        _kept[key] = found
        while len(_kept) > LIMIT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    made: Made = found[1]
    return made
