"""The command line: ``python -m stubs.openai_server --port N``."""

from __future__ import annotations

import argparse
import socket
import sys

import uvicorn

from stubs.openai_server.app import StandIn

ADDRESS = "127.0.0.1"
# Requests that are still being answered then are dropped.
_STOP_GRACE_S = 1


def main(arguments: list[str]) -> int:
    """Serve until told to stop; print the base URL, as OPENAI_BASE_URL has it, when requests are taken."""
    parser = argparse.ArgumentParser(prog="python -m stubs.openai_server")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) is any free port")
    options = parser.parse_args(arguments)
    with socket.create_server((ADDRESS, options.port), backlog=128) as listener:
        config = uvicorn.Config(
            StandIn().application(),
            lifespan="off",
            ws="none",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_STOP_GRACE_S,
        )
        print(f"http://{ADDRESS}:{listener.getsockname()[1]}/v1", flush=True)
        uvicorn.Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
