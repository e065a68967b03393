"""The control plane of the embedded mesh: xDS over one aggregated stream for each proxy."""
