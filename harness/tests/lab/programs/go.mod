// Two programs that the lab's images need and that no package registry has; the standard library alone.
module programs

go 1.24.0
