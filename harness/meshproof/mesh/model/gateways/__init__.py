"""What the pods of Gateways listen on."""
