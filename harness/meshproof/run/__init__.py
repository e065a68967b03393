"""Where the layers meet: scenarios are prepared, driven on a target, judged, and reported as events."""
