"""Processes of the product that start at once: one process has loaded the code and forks each.

Loading takes seconds of processor, and some two hundred tests want a gateway or a web process of their
own. What runs is the product's code in a process of its own, as its command would run it. As a program it
takes lines of JSON, `{"start": "module:function", "arguments", "env", "log"}` or `{"ended": PID}`, and
answers each with one: the pid, or the exit code (null while it runs). When nobody speaks to it any more,
all that it started ends.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

LOADED = ("fieldcrm.api.app", "fieldcrm.ops.web", "granian.server.embed", "workers.gateway.server")


class Sprout:
    """A forked process, with as much of Popen as tests ask for."""

    def __init__(self, bed: Seedbed, pid: int) -> None:
        self.pid, self._bed = pid, bed
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it), None while it runs."""
        if self._code is None:
            self._code = self._bed.ask({"ended": self.pid})
        return self._code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def wait(self, timeout: float) -> int:
        """Its exit code; raises TimeoutExpired after so many seconds."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.02)
        return code


class Seedbed:
    """The process that forks the others."""

    def __init__(self) -> None:
        self._asking = Lock()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("FIELDCRM_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], env=clean, process_group=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def start(
        self,
        call: str,
        *arguments: str,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Sprout:
        """Run "module:function" with these arguments under this environment (else our own)."""
        told = {"start": call, "arguments": arguments, "log": str(log or os.devnull),
                "env": dict(env or os.environ)}  # fmt: skip
        return Sprout(self, self.ask(told))

    def ask(self, what: dict[str, Any]) -> Any:
        """Tell it; what it answers."""
        said, heard = self._process.stdin, self._process.stdout
        assert said
        assert heard
        with self._asking:
            said.write(json.dumps(what).encode() + b"\n")
            said.flush()
            line = heard.readline()
        assert line, "the seedbed is gone"
        return json.loads(line)


@cache
def seedbed() -> Seedbed:
    """The one of this process, started when first wanted."""
    return Seedbed()


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _fork(told: Mapping[str, Any]) -> int:
    pid = os.fork()
    if not pid:
        _settle(told["env"], told["log"])
        code = _run(told["start"], told["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return pid


def _run(call: str, arguments: Sequence[str]) -> int:
    """Call it; the exit code it would have had as a program, whose last words are said."""
    module, _, function = call.partition(":")
    try:
        getattr(importlib.import_module(module), function)(*arguments)
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            return left.code or 0
        print(left.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _settle(env: Mapping[str, str], log: str) -> None:
    """An environment, input and output of its own."""
    os.environ.clear()
    os.environ.update(env)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(written, 1)
    os.dup2(written, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _serve(lines: Sequence[str] | Any) -> None:
    started: list[int] = []
    for line in lines:
        told = json.loads(line)
        if "start" in told:
            answer = _fork(told)
            started.append(answer)
        else:
            answer = _ended(told["ended"])
            started = [pid for pid in started if pid != told["ended"] or answer is None]
        print(json.dumps(answer), flush=True)
    for pid in started:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    _serve(sys.stdin)
