"""The mode that kube-proxy runs in, as its metrics port on the node reports it."""

from __future__ import annotations

from meshproof.border.facts.hosts import ProxyFacts
from meshproof.targets.hosts.connection import Connection

MODES = ("ipvs", "iptables", "nftables", "userspace")
# bash opens the connection, because a node may have no HTTP client.
ASK = """command -v bash >/dev/null || { echo 'there is no bash to ask it with'; exit 3; }
exec timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/10249 || exit 4
printf "GET /proxyMode HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3' 2>/dev/null"""


async def proxy(connection: Connection) -> ProxyFacts:
    """Ask kube-proxy's metrics address, 127.0.0.1:10249 by default."""
    output = await connection.run(ASK, what="asking kube-proxy for its mode")
    if not output.ok:
        reason = output.text.strip() if output.code == 3 else "nothing answers on 127.0.0.1:10249"
        return ProxyFacts(unseen=reason)
    mode = output.text.rpartition("\r\n\r\n")[2].strip()
    return ProxyFacts(mode) if mode in MODES else ProxyFacts(unseen="what answers on 127.0.0.1:10249 is no kube-proxy")
