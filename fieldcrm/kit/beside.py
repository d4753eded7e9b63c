"""Work done in a process beside this one: asked through pipes, one question at a time.

A helper ends when nobody can ask it any more, whichever way its owner ended.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import IO

from fieldcrm.kit.children import die_with_parent

__all__ = ["Gone", "Helper", "answer", "cores"]

_LENGTH_BYTES = 4
PATIENCE_S = 120.0
"""How long who asks a helper waits before he does the work himself."""


class Gone(Exception):
    """A helper ended before it had answered: who asked does the work himself."""


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Helper:
    """A process that answers questions; for one thread at a time."""

    def __init__(
        self, pid: int, to: IO[bytes], told: IO[bytes],
        program: subprocess.Popen[bytes] | None = None,
    ) -> None:  # fmt: skip
        self.pid, self._to, self._told, self._program = pid, to, told, program

    @classmethod
    def started(cls, module: str) -> Helper:
        """A program of its own: a module that calls `answer`. Takes about a second to be ready."""
        process = subprocess.Popen(
            [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin
        assert process.stdout
        return cls(process.pid, process.stdin, process.stdout, process)

    @classmethod
    def forked(cls, reply: Callable[[bytes], bytes]) -> Helper:
        """This process once more, with all that it has loaded; only before it has threads, and
        connections that both would use. It ends with the thread that calls this."""
        (asked, to), (told, answered) = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                die_with_parent()
                os.close(to)
                os.close(told)
                answer(reply, os.fdopen(asked, "rb"), os.fdopen(answered, "wb"))
            finally:
                os._exit(0)
        os.close(asked)
        os.close(answered)
        return cls(pid, os.fdopen(to, "wb"), os.fdopen(told, "rb"))

    def ask(self, question: bytes, patience_s: float = PATIENCE_S) -> bytes:
        """Its answer; raises Gone where it ended, or says nothing for so long."""
        try:
            _send(self._to, question)
            self._await(patience_s)
            return _received(self._told)
        except (OSError, EOFError, ValueError) as error:
            raise Gone from error

    def _await(self, patience_s: float) -> None:
        if hasattr(select, "poll"):
            waiting = select.poll()
            waiting.register(self._told, select.POLLIN)
            if not waiting.poll(patience_s * 1000):
                raise EOFError

    def close(self) -> None:
        """End it, also in the middle of an answer."""
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            if self._program:
                self._program.kill()
                self._program.wait()
            else:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        for pipe in (self._to, self._told):
            with contextlib.suppress(OSError):  # what was on its way to it
                pipe.close()


def answer(
    reply: Callable[[bytes], bytes], asked: IO[bytes] | None = None, told: IO[bytes] | None = None
) -> None:
    """In the helper: answer questions until nobody asks.

    A program's come by standard input; what it prints goes to standard error.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the owner, who ends this one
    if told is None:
        told = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            _send(told, reply(_received(asked or sys.stdin.buffer)))


def _send(pipe: IO[bytes], packed: bytes) -> None:
    pipe.write(len(packed).to_bytes(_LENGTH_BYTES, "big") + packed)
    pipe.flush()


def _received(pipe: IO[bytes]) -> bytes:
    """The next message; raises EOFError when the other side has gone."""
    length = pipe.read(_LENGTH_BYTES)
    packed = pipe.read(int.from_bytes(length, "big"))
    if len(length) < _LENGTH_BYTES or len(packed) < int.from_bytes(length, "big"):
        raise EOFError
    return packed
