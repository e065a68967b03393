"""Routes of the Gateway API, turned into the same model that VirtualServices are, as istiod does."""
