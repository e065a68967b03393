"""The certificate of a run, in the shape of Gateway API's ConformanceReport."""
