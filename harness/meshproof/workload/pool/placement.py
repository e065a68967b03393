"""Which process gets which replica: the one with the fewest listeners, and a new one while that is allowed."""

from __future__ import annotations

import heapq
from collections.abc import Sequence


def placed(loads: Sequence[int], wanted: Sequence[int], processors: int, most: int) -> list[int]:
    """For each replica, by its number of listeners, the index of its process; an index beyond `loads` is a new one.

    `loads` are the listeners of the processes that there are. New ones are made until there is one for each of
    `processors`, and beyond that only where no process has space for a replica within its `most` listeners.
    """
    heap = [(load, index) for index, load in enumerate(loads)]
    heapq.heapify(heap)
    count = len(loads)
    places: list[int] = []
    for listeners in wanted:
        needed = max(1, listeners)
        load, index = heap[0] if heap else (most, 0)
        if load + needed > most or (load and count < processors):
            load, index = 0, count
            count += 1
            heapq.heappush(heap, (needed, index))
        else:
            heapq.heapreplace(heap, (load + needed, index))
        places.append(index)
    return places
