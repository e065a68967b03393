"""The mesh configuration that is given as an IstioOperator or as the ConfigMap `istio`."""
