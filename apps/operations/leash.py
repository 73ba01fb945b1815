"""The leash: stops the process groups named on standard input once that input ends.

Run as a script by `processes.Leash`, with the standard library alone. Lines: ``+PID``
puts a group leader on the leash, ``-PID`` takes it off.
"""

import os
import signal
import sys
import time


def send(pid: int, signal_number: int, *, group: bool) -> bool:
    """Send a signal to a process or its group; False when there is nobody to get it."""
    try:
        os.killpg(pid, signal_number) if group else os.kill(pid, signal_number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main(stop_signal: int, grace_s: float) -> None:
    """Read until end of file, then stop what is left: first asking, then by force."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    leashed: set[int] = set()
    for line in sys.stdin.buffer:
        pid = int(line[1:])
        leashed.add(pid) if line[:1] == b"+" else leashed.discard(pid)
    for pid in leashed:
        send(pid, stop_signal, group=False)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline:
        leashed = {pid for pid in leashed if send(pid, 0, group=True)}
        if not leashed:
            return
        time.sleep(0.1)
    for pid in leashed:
        send(pid, signal.SIGKILL, group=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
