"""What each mode of kube-proxy has put into the kernel for a Service: the endpoints behind its address."""

from __future__ import annotations

import re
from collections.abc import Iterator

# What prints all of a mode's.
SHOWN = {"ipvs": "ipvsadm -Ln", "iptables": "iptables-save -t nat", "nftables": "nft list table ip kube-proxy"}


def behind(mode: str, text: str, address: str, port: int) -> frozenset[str]:
    """The endpoints (`10.244.0.11:8080`) that new connections to an address and port go to, in what SHOWN printed."""
    return frozenset(READ[mode](text, address, port))


def _ipvs(text: str, address: str, port: int) -> Iterator[str]:
    service = ""
    for line in text.splitlines():
        if line.startswith("TCP"):
            service = line.split()[1]
        elif line.startswith("  -> ") and service == f"{address}:{port}":
            _, endpoint, _, weight, *_ = line.split()
            # One that has gone is kept with weight 0 until its connections have ended.
            if weight != "0":
                yield endpoint


def _iptables(text: str, address: str, port: int) -> Iterator[str]:
    for service in re.findall(rf"-d {re.escape(address)}/32 .*--dport {port} -j (KUBE-SVC-\w+)", text):
        for endpoint in re.findall(rf"-A {service} .*-j (KUBE-SEP-\w+)", text):
            yield from re.findall(rf"-A {endpoint} .*--to-destination (\S+)", text)


def _nftables(text: str, address: str, port: int) -> Iterator[str]:
    for service in re.findall(rf"{re.escape(address)} \. tcp \. {port} : goto ([^\s,]+)", text):
        for chain in (service, *re.findall(r"goto (endpoint-[^\s,]+)", _chain(text, service))):
            body = _chain(text, chain)
            yield from re.findall(r"dnat to ([\d.]+:\d+)", body)
            # Since 1.36 or 1.37 a Service has its endpoints in one map.
            yield from (f"{to}:{number}" for to, number in re.findall(r"\d : ([\d.]+) \. (\d+)", body))


def _chain(text: str, name: str) -> str:
    found = re.search(rf"\tchain {re.escape(name)} {{\n(.*?)\n\t}}", text, re.DOTALL)
    return found[1] if found else ""


READ = {"ipvs": _ipvs, "iptables": _iptables, "nftables": _nftables}
