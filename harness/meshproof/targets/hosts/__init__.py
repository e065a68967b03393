"""Real machines over SSH: what they are, and (elsewhere in this package) what makes them ready for a mesh."""
