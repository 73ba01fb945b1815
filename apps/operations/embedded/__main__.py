"""The command line of the embedded servers.

    python -m apps.operations.embedded run [--volatile] [--with-parent] -- COMMAND...
    python -m apps.operations.embedded status
    python -m apps.operations.embedded clean

`run` starts or joins the servers of AISHA_HOME, exports their addresses, runs COMMAND and
returns its exit code. `keep` is internal: it is how `run` starts the background keeper.
"""

import argparse
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from apps.operations.embedded.client import Servers, find_running, use_servers
from apps.operations.embedded.exceptions import EmbeddedServerError
from apps.operations.embedded.home import Home, find_home, remove_home
from apps.operations.embedded.keeper import keep, remove_stale_sockets
from apps.operations.processes import die_with_parent, prepare_child

_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_CHECK_INTERVAL_S = 2.0


def main(arguments: list[str]) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m apps.operations.embedded")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a command with both servers")
    run.add_argument("--volatile", action="store_true", help="no fsync, for tests")
    run.add_argument("--with-parent", action="store_true", help="stop when the caller dies")
    run.add_argument("program", nargs="+", metavar="COMMAND")
    commands.add_parser("status", help="print the addresses of the running servers")
    commands.add_parser("clean", help="delete AISHA_HOME and all data")
    keeper = commands.add_parser("keep")
    keeper.add_argument("home", type=Path)
    keeper.add_argument("ready_fd", type=int)
    options = parser.parse_args(arguments)
    try:
        if options.command == "run":
            return run_command(
                options.program, volatile=options.volatile, with_parent=options.with_parent
            )
        if options.command == "keep":
            keep(Home(options.home), os.fdopen(options.ready_fd, "wb"))
            return 0
        return print_status(find_home()) if options.command == "status" else clean(find_home())
    except EmbeddedServerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def run_command(program: list[str], *, volatile: bool, with_parent: bool) -> int:
    """Run `program` with the servers' addresses in its environment."""
    if with_parent:
        die_with_parent(signal.SIGTERM, os.getppid())
    home = find_home()
    with use_servers(home, os.environ, volatile=volatile) as servers:
        environment = {**os.environ, "AISHA_HOME": str(home.path), **servers.environment}
        # A signal that comes between the command's start and our handlers waits for them.
        signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
        try:
            process = subprocess.Popen(
                program, env=environment, preexec_fn=prepare_child(signal.SIGTERM)
            )
        except OSError as error:
            print(f"error: {program[0]}: {error.strerror}", file=sys.stderr)
            return 127 if isinstance(error, FileNotFoundError) else 126
        return _wait(process, servers)


def _wait(process: subprocess.Popen[bytes], servers: Servers) -> int:
    """Wait for the command, passing signals on; the exit code as a shell gives it."""

    def forward(number: int, _frame: FrameType | None) -> None:
        # A terminal's Ctrl-C has reached the command already, which shares our group.
        if number in (signal.SIGINT, signal.SIGQUIT) and _is_in_foreground():
            return
        process.send_signal(number)

    for number in _FORWARDED:
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    while True:
        try:
            code = process.wait(_CHECK_INTERVAL_S)
        except subprocess.TimeoutExpired:
            if servers.are_lost():
                print("error: the embedded servers have ended; stopping.", file=sys.stderr)
                process.terminate()
                process.wait()
                return 1
        else:
            return code if code >= 0 else 128 - code


def _is_in_foreground() -> bool:
    """Whether a terminal's keys send signals to our process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def print_status(home: Home) -> int:
    """Print the addresses as shell assignments; exit code 1 when nothing runs."""
    running = find_running(home)
    if running is None:
        print(f"No embedded servers run for {home.path}.", file=sys.stderr)
        return 1
    with use_servers(home, {}) as servers:
        for name, address in servers.environment.items():
            print(f"{name}='{address}'")
    return 0


def clean(home: Home) -> int:
    """Delete the data of `home`, unless its servers run."""
    if home.keeper_lock.exists():
        with home.keeper_lock.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"error: the servers of {home.path} run; stop them.", file=sys.stderr)
                return 1
            remove_stale_sockets(home)
            remove_home(home)
    elif home.path.exists():
        remove_home(home)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
