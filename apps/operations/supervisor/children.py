"""The supervisor's child processes: each in its own session, on the leash, logged to a file."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.operations.processes import PROJECT_ROOT, Leash, prepare_child
from apps.operations.supervisor.exceptions import ChildDiedError

POLL_INTERVAL_S = 0.1
# Long enough for a running task to end; then the worker drops it, and it runs again later.
STOP_GRACE_S = 10.0
_COLD_STOP_S = 3.0
RESTART_DELAYS_S = (1.0, 2.0, 4.0, 8.0)
_SETTLED_AFTER_S = 60.0
_LOG_TAIL_LINES = 20


@dataclass(frozen=True)
class Service:
    """A process to keep running.

    Attributes:
        is_restarted: whether it is started again when it dies; otherwise all stop.
        variables: what it runs with besides the environment of all.
    """

    name: str
    command: Sequence[str]
    is_restarted: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Running:
    service: Service
    process: subprocess.Popen[bytes]
    started_at: float
    deaths_in_a_row: int = 0
    restart_at: float | None = None


@dataclass
class Children:
    """All child processes of the supervisor.

    Attributes:
        environment: what they run with.
        log_directory: where each has its log file; that of an earlier run is kept as `.1`.
        say: tells the person.
        restart_delays_s: the wait before each restart in a row; after the last, we give up.
    """

    environment: Mapping[str, str] = field(repr=False)
    log_directory: Path
    say: Callable[[str], None]
    restart_delays_s: Sequence[float] = RESTART_DELAYS_S
    _leash: Leash = field(default_factory=lambda: Leash(grace_s=STOP_GRACE_S))
    _running: dict[str, _Running] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def start(self, service: Service) -> None:
        """Start a service."""
        self._running[service.name] = _Running(
            service,
            self._spawn(service.name, service.command, variables=service.variables),
            time.monotonic(),
        )

    def run(
        self,
        name: str,
        command: Sequence[str],
        keep_waiting: Callable[[], None],
        stdout: int | None = None,
        *,
        is_shown: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Run a command to its end.

        Args:
            keep_waiting: called all the while; its exception stops the command.
            stdout: where its output goes, instead of the log file.
            is_shown: whether its standard error goes to the person, instead of the log file.
            variables: what it runs with besides `environment`.
        """
        process = self._spawn(name, command, stdout=stdout, is_shown=is_shown, variables=variables)
        try:
            while process.poll() is None:
                keep_waiting()
                time.sleep(POLL_INTERVAL_S / 2)
        finally:
            self._end([process])
        return process

    def check(self) -> None:
        """Restart what died and may be restarted.

        Raises:
            ChildDiedError: a service died that must not, or too often.
        """
        for running in self._running.values():
            if running.restart_at is not None:
                if time.monotonic() >= running.restart_at:
                    service = running.service
                    running.process = self._spawn(
                        service.name, service.command, variables=service.variables
                    )
                    running.started_at = time.monotonic()
                    running.restart_at = None
            elif running.process.poll() is not None:
                self._bury(running)

    def stop(self) -> None:
        """Stop everything: first asking, then by force."""
        self._end([running.process for running in self._running.values()])
        self._running.clear()
        self._leash.close()

    def log_tail(self, name: str) -> str:
        """The last lines that a child wrote."""
        path = self._log_path(name)
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "\n".join(f"  {name} | {line}" for line in lines[-_LOG_TAIL_LINES:])

    def _spawn(
        self,
        name: str,
        command: Sequence[str],
        *,
        stdout: int | None = None,
        is_shown: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        path = self._log_path(name)
        if name not in self._seen and path.exists():
            path.replace(path.with_suffix(".log.1"))
        self._seen.add(name)
        with path.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=PROJECT_ROOT,
                env={**self.environment, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=None if is_shown else log,
                start_new_session=True,
                preexec_fn=prepare_child(signal.SIGTERM),
            )
        self._leash.add(process.pid)
        return process

    def _bury(self, dead: _Running) -> None:
        """Note a death, and plan the restart."""
        name, code = dead.service.name, dead.process.returncode
        self._end([dead.process])
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        if time.monotonic() - dead.started_at > _SETTLED_AFTER_S:
            dead.deaths_in_a_row = 0
        if not dead.service.is_restarted or dead.deaths_in_a_row == len(self.restart_delays_s):
            raise ChildDiedError(f"{name} {how}. Its last lines:\n{self.log_tail(name)}")
        delay_s = self.restart_delays_s[dead.deaths_in_a_row]
        dead.deaths_in_a_row += 1
        dead.restart_at = time.monotonic() + delay_s
        self.say(f"{name} {how}; starting it again in {delay_s:.0f} s.")

    def _end(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        """Stop processes together, then whatever they left in their groups."""
        for signal_number, wait_s in (
            (signal.SIGTERM, STOP_GRACE_S),
            (signal.SIGQUIT, _COLD_STOP_S),
        ):
            alive = [process for process in processes if process.poll() is None]
            for process in alive:
                process.send_signal(signal_number)
            deadline = time.monotonic() + wait_s
            while any(process.poll() is None for process in alive):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.02)
        for process in processes:
            # Mostly nobody is left in its group (or, says macOS, only zombies).
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._leash.remove(process.pid)

    def _log_path(self, name: str) -> Path:
        return self.log_directory / f"{name}.log"
