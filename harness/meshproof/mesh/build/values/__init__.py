"""Values of routes that istiod hands on, and of which Envoy refuses more than it does."""
