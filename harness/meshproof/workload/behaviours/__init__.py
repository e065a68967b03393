"""How a workload answers: as a known sample does, as the request prescribes, or as an echo."""
