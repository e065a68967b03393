"""Resources to the model, one file for each kind."""
