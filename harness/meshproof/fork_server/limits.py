"""What this machine lets a process have, and why the kernel refused: descriptors, processes, memory."""

from __future__ import annotations

import contextlib
import errno
import resource

MOST = 65_536
# Envoy has a connection for each request under way, on either side, and its own files.
FEW = 1024
SCARCE = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)
# What CPython says, of whatever cause.
NO_THREAD = "can't start new thread"


def raise_descriptors() -> int:
    """Raise this process' soft limit of descriptors to the hard one, as far as MOST; the limit that holds then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reachable = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < reachable:
        # Some systems have a lower limit than the hard one that they tell.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
            return reachable
    return MOST if soft == resource.RLIM_INFINITY else soft


def why(error: OSError | MemoryError, *, descriptors: int = 0, processes: int = 0, megabytes: int = 0) -> str:
    """What has run out, with the number that is needed as far as it is given; else the system's own words."""
    number = error.errno if isinstance(error, OSError) else errno.ENOMEM
    if number in (errno.EMFILE, errno.ENFILE):
        least = f"{descriptors} are needed" if descriptors else "more are needed"
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        whose = "this machine's" if number == errno.ENFILE else f"a process' (ulimit -n {soft}, ulimit -Hn {hard})"
        return f"no descriptor is left of {whose}: {least}"
    if number == errno.EAGAIN and processes:
        soft = resource.getrlimit(resource.RLIMIT_NPROC)[0]
        most = "none" if soft == resource.RLIM_INFINITY else f"{soft}"
        return f"no process can be added, {processes} needed (ulimit -u is {most}; a container has a limit of its own)"
    if number == errno.ENOMEM:
        return f"no memory is left: {megabytes} MB are needed" if megabytes else "no memory is left"
    return str(error)


def exhausted(error: BaseException) -> str:
    """What has run out of this machine, where that is why something could not be done; else empty."""
    if isinstance(error, RuntimeError) and str(error) == NO_THREAD:
        return "no thread can be added: a process' memory (ulimit -v) or the number of processes (ulimit -u) is limited"
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in SCARCE):
        return why(error, processes=1)
    return ""


def scarce() -> str:
    """That this process, and those that it starts, may have few descriptors; empty where they have enough."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    few = soft != resource.RLIM_INFINITY and soft < FEW
    return (
        f"a process may have no more than {soft} descriptors (ulimit -n), which Envoy may have used up" if few else ""
    )
