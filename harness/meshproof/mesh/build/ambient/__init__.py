"""Ambient mode: whose requests ztunnel and waypoints carry, where a sidecar's rules count for nothing."""
