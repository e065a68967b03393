"""All measurements, one after another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import explaining
import linting
import overshoot
import reading
import startup
import suite
import through_envoy
import translation
import verification
import workloads

import reports

startup.main([])
explaining.main([])
suite.main([])
reading.main([])
linting.main([])
translation.main([])
overshoot.main([])
verification.main([])
workloads.main([])
reports.main([])
through_envoy.main([])
print("\ndirectly against one workload", flush=True)
subprocess.run([sys.executable, str(Path(__file__).with_name("throughput.py"))], check=False)
