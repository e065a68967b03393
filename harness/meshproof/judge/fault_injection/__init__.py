"""Injected aborts and delays befall the share of requests that is specified."""
