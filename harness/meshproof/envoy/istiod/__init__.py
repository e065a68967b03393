"""A real istiod as the control plane: what it is given, and what its configuration becomes on the embedded mesh."""
