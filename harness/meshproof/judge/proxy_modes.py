"""The modes of kube-proxy: the kernel that each needs, and what is to become of them.

https://kubernetes.io/docs/reference/node/kernel-version-requirements/ and
https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/5495-deprecate-ipvs-mode-in-kube-proxy
"""

from __future__ import annotations

# The oldest kernel of each mode (ipvs for net.ipv4.vs.conn_reuse_mode). Distributions backport: EL 8's 4.18 has what
# ipvs got in 4.19.
KERNELS = {"ipvs": (4, 1), "nftables": (5, 13)}
# kube-proxy warns since 1.35, is to refuse the mode from 1.40 on unless a feature gate allows it, and to have none in
# 1.43 (as 1.37.2 itself says).
DEPRECATED = {"ipvs": "deprecated since Kubernetes 1.35: nftables, with a kernel of 5.13 or newer, takes its place"}


def noted(mode: str) -> str:
    """The mode, with what a reader should know of it."""
    return f"{mode} ({DEPRECATED[mode]})" if mode in DEPRECATED else mode
