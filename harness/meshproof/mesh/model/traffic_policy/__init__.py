"""What of traffic policies has a model of its own: where pods run, and TLS towards them."""
