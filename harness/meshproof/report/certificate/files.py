"""The files of a certificate, each made from the events of a run alone."""

from __future__ import annotations

from meshproof.report.certificate.document import document
from meshproof.report.certificate.statement import statement
from meshproof.report.certificate.statement import text as statement_text
from meshproof.report.certificate.text import json_text, yaml
from meshproof.report.record import Record

YAML, JSON, STATEMENT = "certificate.yaml", "certificate.json", "certificate.statement.json"
# The statement in a signed envelope, which only the holder of the key can make again.
SEALED = "certificate.intoto.jsonl"


def files(record: Record) -> dict[str, str]:
    """The certificate as YAML and JSON, and the statement about both, by the names of their files."""
    data = document(record)
    own = {YAML: yaml(data), JSON: json_text(data)}
    about = statement(data, {name: text.encode() for name, text in own.items()})
    return {**own, STATEMENT: statement_text(about)}
