"""Prove that a service mesh does what its YAML says.

What a scenario needs is here: `from meshproof import Load, NoErrors, Scenario, Split`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meshproof.border.intents.intent import Intent as Intent
    from meshproof.border.intents.intent import Never as Never
    from meshproof.border.load import PROBES as PROBES
    from meshproof.border.load import Load as Load
    from meshproof.border.request import Request as Request
    from meshproof.border.request import Tls as Tls
    from meshproof.border.request import connection as connection
    from meshproof.border.workload_fault import WorkloadFault as WorkloadFault
    from meshproof.inspection import Inspection as Inspection
    from meshproof.judge import Abort as Abort
    from meshproof.judge import Answers as Answers
    from meshproof.judge import ConnectionPool as ConnectionPool
    from meshproof.judge import ConsistentHash as ConsistentHash
    from meshproof.judge import Delay as Delay
    from meshproof.judge import LoadBalancing as LoadBalancing
    from meshproof.judge import LocalityDistribution as LocalityDistribution
    from meshproof.judge import LocalityFailover as LocalityFailover
    from meshproof.judge import Mirror as Mirror
    from meshproof.judge import NoErrors as NoErrors
    from meshproof.judge import OutlierDetection as OutlierDetection
    from meshproof.judge import OutOfBand as OutOfBand
    from meshproof.judge import Retries as Retries
    from meshproof.judge import RetryBudget as RetryBudget
    from meshproof.judge import Split as Split
    from meshproof.judge import Streams as Streams
    from meshproof.judge import Timeout as Timeout
    from meshproof.judge import WarmUp as WarmUp
    from meshproof.mesh.requests.addresses import POD_TLS as POD_TLS
    from meshproof.scenario import Scenario as Scenario

__version__ = "0.1.0"

_HOMES = {
    "Abort": "judge",
    "Answers": "judge",
    "ConnectionPool": "judge",
    "ConsistentHash": "judge",
    "Delay": "judge",
    "Inspection": "inspection",
    "Intent": "border.intents.intent",
    "Load": "border.load",
    "LoadBalancing": "judge",
    "LocalityDistribution": "judge",
    "LocalityFailover": "judge",
    "Mirror": "judge",
    "Never": "border.intents.intent",
    "NoErrors": "judge",
    "OutOfBand": "judge",
    "OutlierDetection": "judge",
    "POD_TLS": "mesh.requests.addresses",
    "PROBES": "border.load",
    "Request": "border.request",
    "Retries": "judge",
    "RetryBudget": "judge",
    "Scenario": "scenario",
    "Split": "judge",
    "Streams": "judge",
    "Timeout": "judge",
    "Tls": "border.request",
    "WarmUp": "judge",
    "WorkloadFault": "border.workload_fault",
    "connection": "border.request",
}


def __getattr__(name: str) -> Any:
    # Looked up when asked for: the workload imports this package too, and must start in no time.
    if name in _HOMES:
        return getattr(import_module(f"meshproof.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'meshproof' has no attribute {name!r}")
