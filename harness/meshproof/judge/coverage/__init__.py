"""What a run cannot prove is never passed."""
