"""Which of several entries of HTTPRoutes comes first, and a rewrite that Envoy has no word for.

After istio/istio pilot/pkg/config/kube/gateway/conversion.go (sortHTTPRoutes) and
pilot/pkg/networking/core/route/route.go (applyHTTPRouteDestination).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from meshproof.envoy.unit import Fields
from meshproof.mesh.model.virtual_service import HttpRoute, MatchKind, RouteMatch

Entry = tuple[HttpRoute, RouteMatch | None]

RANKS = {MatchKind.EXACT: 3, MatchKind.PREFIX: 2, MatchKind.PATH_PREFIX: 2, MatchKind.REGEX: 1}
NO_PATH = -1
# What Envoy answers where a cluster does not exist; its default is 503.
NOT_FOUND_CODES = {404: "NOT_FOUND", 500: "INTERNAL_SERVER_ERROR"}


def sorted_entries(entries: Iterable[Entry]) -> list[Entry]:
    """Exact paths, prefixes, then regular expressions; the longest first, then by method, headers and parameters."""
    return sorted(entries, key=lambda entry: precedence(entry[1]), reverse=True)


def precedence(match: RouteMatch | None) -> tuple[int, ...]:
    """What istiod compares of two entries, the greater first; of equals the one that stands first stays so."""
    if match is None:
        return ()
    rank, length = NO_PATH, 0
    if match.uri is not None:
        rank, length = RANKS.get(match.uri.kind, NO_PATH), len(match.uri.value.encode())
    return rank, length, int(match.method is not None), len(match.headers), len(match.query_params)


def prefix_removed(match: Fields) -> Fields:
    """The regex_rewrite that takes a matched path_separated_prefix away."""
    prefix = re.escape(match["path_separated_prefix"])
    return {"pattern": {"regex": f"^{prefix}(/?)(.*)"}, "substitution": r"/\2"}
