"""Files of other languages that manifests are made from, told by their names: what each is, and what makes YAML of it.

Each command is that of the language's own tool, as its documentation has it.
"""

from __future__ import annotations

from collections.abc import Mapping

from meshproof.manifest.syntax.templates import RENDER, Language

PIPED = "| meshproof verify -f -"
APPLIED, MADE = f"kubectl get … -o yaml {PIPED}", "verify what it has made"

CUE = Language("CUE", None, f"cue export DIR --out yaml {PIPED}")
JSONNET = Language("Jsonnet", None, f"jsonnet -y FILE {PIPED}")
# No command of Terraform writes manifests: what it makes of them is in the cluster.
TERRAFORM = Language("Terraform", None, APPLIED, MADE)
JINJA = Language("a Jinja template", None)
OF_ENDINGS: Mapping[str, Language] = {
    ".cue": CUE,
    ".jsonnet": JSONNET,
    ".libsonnet": JSONNET,
    ".tf": TERRAFORM,
    ".tf.json": TERRAFORM,
    ".tfvars": TERRAFORM,
    ".hcl": Language("HCL", None, APPLIED, MADE),
    ".tpl": Language("a Helm template", None, RENDER),
    ".gotmpl": Language("a template of Helmfile", None, f"helmfile template {PIPED}"),
    ".tmpl": Language("a template", None),
    ".tftpl": TERRAFORM,
    ".j2": JINJA,
    ".jinja": JINJA,
    ".jinja2": JINJA,
    ".erb": Language("an ERB template", None, f"erb FILE {PIPED}"),
    ".dhall": Language("Dhall", None, f"dhall-to-yaml --documents --file FILE {PIPED}"),
    ".pkl": Language("Pkl", None, f"pkl eval -f yaml FILE {PIPED}"),
    ".k": Language("KCL", None, f"kcl run FILE {PIPED}"),
    ".star": Language("Starlark", None),
}


def language_of(file: str) -> Language | None:
    """The language of a file, as far as its name tells it; None for YAML, JSON and whatever is not known."""
    name = file.rpartition("/")[2].lower()
    parts = name.split(".")
    endings = (".".join(["", *parts[at:]]) for at in range(1, len(parts)))
    return next((OF_ENDINGS[one] for one in endings if one in OF_ENDINGS), None)
