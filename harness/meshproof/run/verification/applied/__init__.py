"""What is applied otherwise than specified and no load of a verification shows."""
