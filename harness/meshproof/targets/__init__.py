"""Where scenarios run: each target brings up a live mesh and says what it is able to do."""
