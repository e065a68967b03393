"""What a run tells: typed events, and one handler for each way to show them."""
