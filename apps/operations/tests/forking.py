"""Starts servers from a process that has loaded what they need, so that each is there in a moment.

It reads one JSON object a line: ``{"start": [MODULE, ARGUMENT, …]}`` runs ``python -m MODULE`` in a child and
answers with its process id; ``{"poll": ID}`` answers whether it has ended; ``{"stop": [ID, …]}`` ends them,
and answers when they have.
Settings are those of this process; a server with others is started the ordinary way.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import time
from importlib import import_module
from typing import IO, Any, NoReturn

from apps.operations.tests.serving import STOP_TIMEOUT_S

# What uvicorn and a worker would import one after another at their start.
_NEEDED = (
    "aisha.asgi", "aisha.celery", "aisha.urls_api", "aisha.urls_public", "aisha.urls_tenant",
    "uvicorn.main", "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto", "celery.bin.celery", "celery.apps.worker",
    "celery.worker.components", "celery.worker.consumer", "celery.concurrency.solo",
    "kombu.transport.redis",
)  # fmt: skip


def main() -> None:
    """Load everything, then do what is asked until nobody asks any more."""
    # Whatever else is printed must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for name in _NEEDED:
        import_module(name)
    import_module("aisha.celery").app.loader.import_default_modules()
    _close_connections()
    for line in sys.stdin:
        asked = json.loads(line)
        if command := asked.get("start"):
            answer: object = _start(command, answers)
        elif "poll" in asked:
            answer = _has_ended(asked["poll"])
        else:
            _stop(asked["stop"])
            answer = True
        print(json.dumps(answer), file=answers)


def _close_connections() -> None:
    """Two processes must not share a connection."""
    from django.db import connections

    connections.close_all()


def _start(command: list[str], answers: IO[str]) -> int:
    child = os.fork()
    if child == 0:
        answers.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _become(command)
    return child


def _become(command: list[str]) -> NoReturn:
    """Run a module as ``python -m`` does, and end with it."""
    code: Any = 1
    try:
        sys.argv = command
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code
    finally:
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1 if code else 0)


def _has_ended(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


def _stop(children: list[int]) -> None:
    """End children; one that does not end by itself is killed."""
    deadline = time.monotonic() + STOP_TIMEOUT_S
    left = [child for child in children if not _has_ended(child)]
    for child in left:
        os.kill(child, signal.SIGTERM)
    while left := [child for child in left if not _has_ended(child)]:
        if time.monotonic() > deadline:
            for child in left:
                os.kill(child, signal.SIGKILL)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
