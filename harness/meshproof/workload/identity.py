"""The identity of a replica: the pod that it takes the place of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

NAME = re.compile(r"[A-Za-z0-9._/-]{1,253}")


class Identity:
    """`workload` is the Deployment's key (`namespace/name`); raises ValueError for what could not stand in a header."""

    __slots__ = ("image", "labels", "pod", "version", "workload")

    def __init__(
        self, pod: str, workload: str, image: str = "", labels: Mapping[str, str] | None = None, version: str = ""
    ) -> None:
        for value in (pod, workload):
            if not NAME.fullmatch(value):
                raise ValueError(f"{json.dumps(value)} is no name of a pod or a Deployment")
        self.pod = pod
        self.workload = workload
        self.image = image
        self.labels = dict(labels or {})
        self.version = version or self.labels.get("version", "")

    @property
    def stamp(self) -> bytes:
        """The header lines that every answer carries."""
        return f"x-meshproof-pod: {self.pod}\r\nx-meshproof-workload: {self.workload}\r\n".encode()
