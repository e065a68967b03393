"""GatewayClasses: which controller serves the Gateways of each."""
