"""The system account the servers run as: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from apps.operations.embedded.exceptions import EmbeddedServerError
from apps.operations.processes import prepare_child

# `postgres` where the system has it; `nobody` exists everywhere. None is ever created.
UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")

# Nothing of ours is inherited, and messages come in the language that we compare with.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True)
class Account:
    """The user and group ids a server runs with."""

    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether this is the account that we run as already."""
        return self.uid == os.geteuid()


def choose_account(data_directory: Path) -> Account:
    """Return the account for servers whose files lie in `data_directory`.

    An ordinary user runs them as themselves. Root uses the owner of existing data, else
    an unprivileged account of the system.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data_directory.exists():
        owner = data_directory.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    for name in UNPRIVILEGED_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedServerError(
        "PostgreSQL does not run as root and this system has neither a 'postgres' nor a "
        "'nobody' account. Start AiSHA as an ordinary user, or set DATABASE_URL."
    )


def run_as(
    account: Account, command: Sequence[str | Path], *, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a short command as `account`, its output captured, from the root directory."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        cwd="/",
        env=_ENVIRONMENT,
        **_identity(account),
    )


def start_as(
    account: Account, command: Sequence[str], log_path: Path, death_signal: int
) -> subprocess.Popen[bytes]:
    """Start a server as `account`, its output in `log_path`; it gets `death_signal` if we die."""
    with log_path.open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_ENVIRONMENT,
            preexec_fn=prepare_child(death_signal),
            **_identity(account),
        )


def _identity(account: Account) -> _Identity:
    """The keyword arguments with which `subprocess` becomes `account`."""
    if account.is_ours:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": ()}


def can_enter(account: Account, directory: Path) -> bool:
    """Whether `account` can reach what lies in `directory`, parents included."""
    return run_as(account, ["/bin/sh", "-c", 'test -x "$1"', "sh", directory]).returncode == 0


def make_directory(path: Path, account: Account, mode: int = 0o700) -> None:
    """Create `path` for `account`, or take it as it is; its parents are left alone."""
    path.mkdir(mode=mode, exist_ok=True)
    if not account.is_ours and path.lstat().st_uid != account.uid:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
