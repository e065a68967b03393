"""What the model says must become of one request."""
