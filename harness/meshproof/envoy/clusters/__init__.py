"""Destinations as Envoy's clusters: limits, ejection, endpoints."""
