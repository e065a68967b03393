"""Istio put into a cluster, found there, and taken out again."""
