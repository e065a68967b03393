"""What configures the proxies of the embedded mesh."""

OWN = "meshproof"
"""This project's own translation of the manifests."""
ISTIOD = "istiod"
"""istiod's own code."""
CONTROL_PLANES = (OWN, ISTIOD)
VERSION = "control plane"
"""By which a run's versions say which it was, with its own version."""
