"""What a pod that comes gets of a destination's requests while it warms up."""
