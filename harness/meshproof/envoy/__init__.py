"""From the model of a mesh to real Envoy processes: translation to xDS, the ADS server, the processes."""
