"""Whether calls of gRPC with several messages go through whole, and what ends those that do not."""
