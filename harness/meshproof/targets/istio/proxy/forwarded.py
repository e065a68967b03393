"""A gateway's proxy, reached through a forwarded port: faster than a new exec in its pod each time."""

from __future__ import annotations

import asyncio
import http.client

from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.istio.proxy.sidecar import Sidecar
from meshproof.targets.kube.api.forward import Forward

# Envoy's admin page in a pod of Istio, on the pod's loopback: https://istio.io/latest/docs/ops/deployment/application-requirements/
ADMIN_PORT = 15000


@dataclass(frozen=True, slots=True)
class ForwardedSidecar(Sidecar):
    """A Sidecar whose pages come by `forward`, which leads to ADMIN_PORT of its pod."""

    forward: Forward

    async def get(self, path: str) -> bytes:
        """The admin page at `path`, which goes without its slash."""

        def ask() -> tuple[int, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", self.forward.port, timeout=self.timeouts.kube_command)
            try:
                connection.request("GET", f"/{path}")
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()

        try:
            status, page = await asyncio.to_thread(ask)
        except (OSError, http.client.HTTPException) as error:
            if self.forward.failure:
                raise self.forward.failure from None
            raise TargetError(f"the proxy of {self.pod} does not answer {path}", f"{error}") from None
        if status != http.client.OK:
            shown = page[:200].decode(errors="replace")
            raise TargetError(f"the proxy of {self.pod} answers {status} to {path}", shown)
        return page
