"""What a real Envoy makes of one request that was explained."""
