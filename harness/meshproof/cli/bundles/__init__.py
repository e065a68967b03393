"""The commands about bundles: what reproduces a run on another machine."""
