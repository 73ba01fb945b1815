"""Child processes that never outlive the process that started them.

On Linux the kernel signals a child when its parent dies (PR_SET_PDEATHSIG). Elsewhere
a small leash process (`leash.py`) does that. Must not import Django.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

PROJECT_ROOT = Path(__file__).resolve().parents[2]

_PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: dlopen between fork and exec can deadlock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signal_number: int, parent_pid: int) -> None:
    """Ask the kernel for `signal_number` when the parent of this process dies (Linux only).

    The setting is lost when a process changes its user, so it comes after setuid. When
    `parent_pid` is gone already the signal would never come: then it is sent at once.
    """
    if _libc is None:
        return
    if _libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal_number)


def prepare_child(death_signal: int) -> Callable[[], None]:
    """Return a `preexec_fn` for a child that shall get `death_signal` when we die.

    The parent's own signal mask is not inherited. To be used from the main thread:
    the kernel watches the thread that forked, not the process.
    """
    parent_pid = os.getpid()

    def in_child() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        die_with_parent(death_signal, parent_pid)

    return in_child


def stop_process(
    process: subprocess.Popen[bytes], steps: Sequence[tuple[int, float]]
) -> int | None:
    """Send each signal in turn and wait up to its seconds; return the exit code.

    Args:
        steps: (signal number, seconds to wait) pairs, the gentlest first.

    Returns:
        The exit code as `subprocess` reports it, or None if the process is still alive.
    """
    for signal_number, wait_s in steps:
        if process.poll() is not None:
            break
        process.send_signal(signal_number)
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            continue
    return process.poll()


class Leash:
    """A watcher process that stops our children when this process dies, however it dies.

    It holds one end of a pipe; when the kernel closes ours, it asks every child still on
    the leash to stop, waits, and kills the process groups that are left. It works without
    PR_SET_PDEATHSIG and reaches the children's own children, which that cannot.
    """

    def __init__(self, stop_signal: int = signal.SIGTERM, grace_s: float = 10.0) -> None:
        read_fd, write_fd = os.pipe()
        self._pipe: IO[bytes] = os.fdopen(write_fd, "wb", buffering=0)
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    str(Path(__file__).with_name("leash.py")),
                    str(int(stop_signal)),
                    str(grace_s),
                ],
                stdin=read_fd,
                # It may stay a moment longer than we do: nobody shall wait for its output.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # A terminal's Ctrl-C must not reach the one process that has to stay.
                start_new_session=True,
            )
        finally:
            os.close(read_fd)

    def add(self, pid: int) -> None:
        """Put the leader of a process group on the leash."""
        self._tell(b"+%d\n" % pid)

    def remove(self, pid: int) -> None:
        """Take a process off the leash, once it is known to be gone."""
        self._tell(b"-%d\n" % pid)

    def close(self) -> None:
        """Let the watcher go; it stops whatever is still on the leash."""
        self._pipe.close()
        self._process.wait()

    def _tell(self, line: bytes) -> None:
        # Somebody may have killed the watcher; on Linux the kernel still keeps watch.
        with contextlib.suppress(BrokenPipeError):
            self._pipe.write(line)
