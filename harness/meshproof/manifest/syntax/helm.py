"""Helm's templates, which are told apart from manifests wherever one shows itself."""

from __future__ import annotations

import re

TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
NO_MANIFEST = "this is a Helm template, not a manifest"
RENDER = "helm template DIR | meshproof verify -f -"
HINT = f"render it first: `{RENDER}`"
