"""Where the servers' files lie: AISHA_HOME, or a place that the server account can reach.

Root's servers run as another account, which cannot enter, say, a clone below /root. Their
files then lie in a new directory below /var/tmp, whose name is kept in AISHA_HOME, so that
the next start finds its data. Sockets always lie in a short directory below /tmp, because
the path of a socket must fit into about 100 bytes.
"""

import json
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from apps.operations.embedded.account import Account, can_enter, choose_account
from apps.operations.embedded.exceptions import HomeNotUsableError
from apps.operations.processes import PROJECT_ROOT

DEFAULT_HOME = ".aisha"
_DATA_PARENTS = ("/var/tmp", "/tmp")  # noqa: S108 - the first survives a reboot
_SOCKET_PARENTS = ("/tmp", "/var/tmp")  # noqa: S108 - mkdtemp below them is private


@dataclass(frozen=True)
class Home:
    """AISHA_HOME as the embedded servers use it."""

    path: Path

    @property
    def state(self) -> Path:
        """Our own notes: locks, the keeper's address and log."""
        return self.path / "embedded"

    @property
    def start_lock(self) -> Path:
        """Held while somebody looks for the keeper or starts one."""
        return self.state / "start.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held by the keeper for as long as it lives."""
        return self.state / "keeper.lock"

    @property
    def keeper_note(self) -> Path:
        """JSON: the keeper's pid, and the directory of its sockets."""
        return self.state / "keeper.json"

    @property
    def keeper_log(self) -> Path:
        """What the keeper printed since its start."""
        return self.state / "keeper.log"

    @property
    def place_note(self) -> Path:
        """JSON: the directory that stands in for AISHA_HOME, when there is one."""
        return self.state / "place.json"


@dataclass(frozen=True)
class Place:
    """The directory for the servers' files and the account they run as."""

    directory: Path
    account: Account

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.directory / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's working directory."""
        return self.directory / "valkey"

    @property
    def binaries(self) -> Path:
        """Copies of server programs that the account cannot reach where they are installed."""
        return self.directory / "binaries"


def find_home() -> Home:
    """Return AISHA_HOME (default `.aisha`); a relative one counts from the project's root."""
    configured = os.environ.get("AISHA_HOME") or DEFAULT_HOME
    return Home((PROJECT_ROOT / Path(configured).expanduser()).resolve())


def open_home(home: Home) -> None:
    """Create AISHA_HOME and our folder in it.

    Raises:
        HomeNotUsableError: it cannot be created or written by this account.
    """
    try:
        home.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeNotUsableError(
            f"AISHA_HOME {home.path} cannot be created: {error.strerror}."
        ) from None
    if not os.access(home.state, os.W_OK | os.X_OK):
        raise HomeNotUsableError(
            f"AISHA_HOME {home.path} belongs to another account and cannot be written. "
            "Set AISHA_HOME to a directory of your own, or remove it as its owner."
        )


def find_place(home: Home) -> Place:
    """Return where the servers' files of `home` lie, choosing and noting it at the first start.

    Raises:
        HomeNotUsableError: no directory can be reached by the servers' account.
    """
    noted = _noted_directory(home)
    if noted is not None:
        return Place(noted, choose_account(noted / "postgres"))
    account = choose_account(home.path / "postgres")
    if account.is_ours or can_enter(account, home.path):
        return Place(home.path, account)
    directory = make_private_directory(_DATA_PARENTS, account)
    home.place_note.write_text(json.dumps({"directory": str(directory)}) + "\n")
    return Place(directory, account)


def make_private_directory(parents: tuple[str, ...], account: Account) -> Path:
    """Make a new directory that we own and `account` can pass through, below one of `parents`.

    Root's is 0711: what the account may read or write gets a folder of its own in it.
    """
    for parent in parents:
        if not can_enter(account, Path(parent)):
            continue
        directory = Path(tempfile.mkdtemp(prefix="aisha-", dir=parent))
        if not account.is_ours:
            directory.chmod(0o711)
        return directory
    raise HomeNotUsableError(
        f"The servers' account (uid {account.uid}) can enter none of {parents}."
    )


def make_socket_directory(account: Account) -> Path:
    """Make the short-lived directory for this start's sockets."""
    return make_private_directory((*_SOCKET_PARENTS, tempfile.gettempdir()), account)


def remove_home(home: Home) -> None:
    """Delete AISHA_HOME and the directory that stands in for it. The servers must be stopped."""
    noted = _noted_directory(home)
    if noted is not None:
        shutil.rmtree(noted)
    if home.path.exists():
        shutil.rmtree(home.path)


def _noted_directory(home: Home) -> Path | None:
    """The stand-in directory noted earlier, if it is still there and still ours."""
    if not home.place_note.exists():
        return None
    directory = Path(json.loads(home.place_note.read_text())["directory"])
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise HomeNotUsableError(
            f"{directory}, which {home.place_note} names, belongs to another account."
        )
    return directory
