"""kind's commands: run by this process, or by pytest-kubernetes' manager from a thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from meshproof.errors import TargetError
from meshproof.process import run
from meshproof.targets.kind.requirements import meaning


async def ask(kind: str, *arguments: str, limit: float, what: str) -> str:
    """What a command of kind prints; TargetError with what kind's error means."""
    try:
        return await run([kind, *arguments], limit=limit, what=what)
    except TargetError as error:
        raise meaning(error) from None


class ThreadedCommands:
    """Runs the manager's actions in a thread, and the commands that they start in the event loop.

    So each command has its limit and its parent-death guard, and is ended when the waiting task is cancelled.
    """

    def __init__(self) -> None:
        self._command: asyncio.Task[str] | None = None

    def runner(self) -> Callable[[Sequence[str], float, str], str]:
        """What the manager runs a command with: arguments, limit in seconds, purpose."""
        loop = asyncio.get_running_loop()

        async def begin(argv: Sequence[str], limit: float, what: str) -> str:
            self._command = asyncio.ensure_future(run(argv, limit=limit, what=what))
            return await self._command

        def call(argv: Sequence[str], limit: float, what: str) -> str:
            return asyncio.run_coroutine_threadsafe(begin(argv, limit, what), loop).result()

        return call

    async def do(self, action: Callable[[], None]) -> None:
        """Run an action of the manager in a thread; TargetError with what kind's error means."""
        task = asyncio.ensure_future(asyncio.to_thread(action))
        try:
            await asyncio.shield(task)
        except TargetError as error:
            raise meaning(error) from None
        except asyncio.CancelledError:
            while not task.done():
                # Cancelled once: the command's own end takes a moment, and the thread waits for that.
                if self._command is not None:
                    self._command.cancel()
                    self._command = None
                await asyncio.wait({task}, timeout=0.1)
            with contextlib.suppress(BaseException):
                task.result()
            raise
