"""The facts of an installation: of its nodes, its pods, its gateways, and of the network below."""
