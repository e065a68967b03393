"""`python harness/tests/lab up`: a real cluster with real Istio, from package registries alone."""

from airgap.cli import main

if __name__ == "__main__":
    main()
