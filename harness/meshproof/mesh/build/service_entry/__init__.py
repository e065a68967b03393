"""ServiceEntries and the WorkloadEntries that they select: hosts that no Service has, and what stands behind them."""
