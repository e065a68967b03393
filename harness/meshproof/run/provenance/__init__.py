"""What a run is made of, as its certificate states it."""
