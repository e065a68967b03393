"""Routes of the Gateway API for connections: TCPRoutes and TLSRoutes."""
