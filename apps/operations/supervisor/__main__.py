"""The supervisor's command line: `python -m apps.operations.supervisor demo [--once]`."""

import argparse
import os
import signal
import sys

from apps.operations.embedded.exceptions import EmbeddedServerError
from apps.operations.embedded.home import find_home
from apps.operations.processes import die_with_parent
from apps.operations.supervisor.demo import run_demo, say
from apps.operations.supervisor.exceptions import StopRequested, SupervisorError


def main(arguments: list[str]) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m apps.operations.supervisor")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="prepare the demo tenants and serve them")
    demo.add_argument("--once", action="store_true", help="do not serve; print one JSON object")
    demo.add_argument("--with-parent", action="store_true", help="stop when the caller dies")
    options = parser.parse_args(arguments)
    if options.with_parent:
        die_with_parent(signal.SIGTERM, os.getppid())
    try:
        return run_demo(find_home(), once=options.once)
    except StopRequested:
        return 0
    except (SupervisorError, EmbeddedServerError) as error:
        say(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
