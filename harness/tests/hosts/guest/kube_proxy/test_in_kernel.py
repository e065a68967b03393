"""How what kube-proxy has put into the kernel is read; the texts are of kube-proxy 1.34.4 and 1.37.2, shortened."""

from __future__ import annotations

import pytest
from in_kernel import behind

IPVS = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.96.0.1:443 rr
TCP  10.96.0.103:80 rr
  -> 10.244.0.11:8080             Masq    1      0          9
  -> 10.244.0.12:8080             Masq    0      0          9
  -> 10.244.0.13:8080             Masq    1      0          9
TCP  10.96.0.103:8080 rr
  -> 10.244.0.12:9090             Masq    1      0          0
"""
IPTABLES = """\
-A KUBE-SERVICES -d 10.96.0.103/32 -p tcp -m comment --comment "default/three:http" -m tcp --dport 80 -j KUBE-SVC-A
-A KUBE-SERVICES -d 10.96.0.102/32 -p tcp -m comment --comment "default/two:http" -m tcp --dport 80 -j KUBE-SVC-B
-A KUBE-SEP-1 -p tcp -m comment --comment "default/three:http" -m tcp -j DNAT --to-destination 10.244.0.11:8080
-A KUBE-SEP-2 -p tcp -m comment --comment "default/two:http" -m tcp -j DNAT --to-destination 10.244.0.12:8080
-A KUBE-SEP-3 -p tcp -m comment --comment "default/three:http" -m tcp -j DNAT --to-destination 10.244.0.13:8080
-A KUBE-SVC-A -m comment --comment "x -> 10.244.0.11:8080" -m statistic --mode random --probability 0.5 -j KUBE-SEP-1
-A KUBE-SVC-A -m comment --comment "x -> 10.244.0.13:8080" -j KUBE-SEP-3
-A KUBE-SVC-B -m comment --comment "x -> 10.244.0.12:8080" -j KUBE-SEP-2
"""
MAP = """\
table ip kube-proxy {
\tmap service-ips {
\t\telements = { 10.96.0.102 . tcp . 80 : goto service-B-default/two/tcp/http,
\t\t\t     10.96.0.103 . tcp . 80 : goto service-A-default/three/tcp/http }
\t}
"""
CHAINS = f"""{MAP}
\tchain service-A-default/three/tcp/http {{
\t\tip daddr 10.96.0.103 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
\t\tnumgen random mod 2 vmap {{ 0 : goto endpoint-1-default/three/tcp/http__10.244.0.11/8080, 1 : goto endpoint-3-x }}
\t}}

\tchain endpoint-1-default/three/tcp/http__10.244.0.11/8080 {{
\t\tip saddr 10.244.0.11 jump mark-for-masquerade
\t\tmeta l4proto tcp dnat to 10.244.0.11:8080
\t}}

\tchain endpoint-3-x {{
\t\tmeta l4proto tcp dnat to 10.244.0.13:8080
\t}}

\tchain service-B-default/two/tcp/http {{
\t\tnumgen random mod 1 vmap {{ 0 : goto endpoint-2-x }}
\t}}

\tchain endpoint-2-x {{
\t\tmeta l4proto tcp dnat to 10.244.0.12:8080
\t}}
}}
"""
MAPPED = f"""{MAP}
\tchain service-A-default/three/tcp/http {{
\t\tmeta l4proto tcp dnat ip to numgen random mod 2 map {{ 0 : 10.244.0.11 . 8080, 1 : 10.244.0.13 . 8080 }}
\t}}
}}
"""


@pytest.mark.parametrize(
    ("mode", "text"), [("ipvs", IPVS), ("iptables", IPTABLES), ("nftables", CHAINS), ("nftables", MAPPED)]
)
def test_the_endpoints_of_one_port_that_get_new_connections(mode: str, text: str) -> None:
    assert behind(mode, text, "10.96.0.103", 80) == {"10.244.0.11:8080", "10.244.0.13:8080"}
    assert behind(mode, text, "10.96.0.1", 443) == frozenset()
    assert behind(mode, text, "10.96.0.10", 80) == frozenset()
