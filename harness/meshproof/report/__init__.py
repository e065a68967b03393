"""The reports of a run: typed events, and one handler for each way to show them."""
