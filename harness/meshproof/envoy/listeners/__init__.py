"""Where a proxy takes requests: a client's sidecar, a gateway, its TLS."""
