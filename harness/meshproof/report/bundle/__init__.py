"""What reproduces a run on another machine, in one file. A stranger's bundle is hostile."""
