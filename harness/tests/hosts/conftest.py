"""What tests of several parts of hosts share: a proxy that cuts connections."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "proxy"))
