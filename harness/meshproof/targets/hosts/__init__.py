"""Real machines over SSH: inspected, prepared for a mesh, and restored."""
