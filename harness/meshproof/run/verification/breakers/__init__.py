"""Connection pools and outlier detection of one's own manifests: what loads stay below, and loads that prove them."""
