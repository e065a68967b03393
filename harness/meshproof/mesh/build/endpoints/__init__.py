"""Endpoints and EndpointSlices of Services without a selector: addresses that somebody wrote down."""
