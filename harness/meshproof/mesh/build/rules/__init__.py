"""Parts of the rules of VirtualServices: header changes, weighted destinations, TCP routes."""
