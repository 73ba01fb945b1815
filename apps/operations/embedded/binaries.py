"""Finding server programs that the servers' account can run."""

import hashlib
import importlib.util
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apps.operations.embedded.account import run_as
from apps.operations.embedded.exceptions import BinariesNotFoundError
from apps.operations.embedded.home import Place

SYSTEM_POSTGRES = "/usr/lib/postgresql/*/bin"
_MACHINES = {"amd64": "x86_64"}


@dataclass(frozen=True)
class Candidate:
    """A server program that may be used.

    Attributes:
        program: the server's executable.
        package: the folders to copy when the servers' account cannot reach them, or none:
            what the system installed is not copied.
    """

    program: Path
    package: tuple[Path, ...] = ()


def find_package(name: str) -> Path | None:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def postgres_candidates(
    package: Path | None, system_pattern: str = SYSTEM_POSTGRES
) -> Iterator[Candidate]:
    """Where PostgreSQL may be: the installed package first, then the system's, newest first."""
    if package is not None:
        libraries = package.with_name(f"{package.name}.libs")
        folders = (package / "pginstall", libraries)
        yield Candidate(
            package / "pginstall" / "bin" / "postgres",
            tuple(folder for folder in folders if folder.is_dir()),
        )
    pattern = Path(system_pattern)
    installed = Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))
    for folder in sorted(installed, key=_version_in_path, reverse=True):
        yield Candidate(folder / "postgres")


def valkey_candidates(package: Path | None, system_path: str | None = None) -> Iterator[Candidate]:
    """Where Valkey may be: the installed package, then valkey-server or redis-server on PATH."""
    if package is not None:
        machine = platform.machine().lower()
        folder = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
        program = package / "_binaries" / folder / "valkey-server"
        yield Candidate(program, (program.parent,))
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name, path=system_path)
        if found is not None:
            yield Candidate(Path(found))


def find_program(candidates: Iterator[Candidate], place: Place, hint: str) -> Path:
    """Return the first program that the servers' account can run, copying it if need be.

    Args:
        hint: what the person can do when there is none.

    Raises:
        BinariesNotFoundError: none of them runs; says why for each.
    """
    refusals = []
    for candidate in candidates:
        if not candidate.program.exists():
            refusals.append(f"{candidate.program}: not there")
            continue
        reason = _why_not(candidate.program, place)
        if reason is None:
            return candidate.program
        if candidate.package:
            copied = copy_package(candidate, place)
            reason = _why_not(copied, place)
            if reason is None:
                return copied
        refusals.append(f"{candidate.program}: {reason}")
    tried = "".join(f"\n  {refusal}" for refusal in refusals) or " nothing"
    raise BinariesNotFoundError(f"{hint}\nTried:{tried}")


def copy_package(candidate: Candidate, place: Place) -> Path:
    """Copy a package's folders to where the servers' account can read them.

    The copy is named after the original's path and age: an upgrade makes a new one, and the
    former goes. It keeps the folders' relation to each other, by which programs find their
    libraries.
    """
    program = candidate.program
    age = f"{program}:{program.stat().st_mtime_ns}"
    key = hashlib.sha256(age.encode()).hexdigest()[:12]
    target = place.binaries / f"{program.name}-{key}"
    parent = _common_parent(candidate.package)
    if not target.exists():
        place.binaries.mkdir(mode=0o755, exist_ok=True)
        partial = target.with_suffix(".partial")
        for former in place.binaries.glob(f"{program.name}-*"):
            shutil.rmtree(former)
        for folder in candidate.package:
            shutil.copytree(
                folder,
                partial / folder.relative_to(parent),
                symlinks=True,
                ignore=shutil.ignore_patterns("*.a", "include", "__pycache__"),
            )
        for path in (place.binaries, partial, *partial.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
        partial.rename(target)
    return target / program.relative_to(parent)


def _common_parent(folders: tuple[Path, ...]) -> Path:
    """The nearest folder above all of `folders`."""
    parent = folders[0].parent
    while not all(folder.is_relative_to(parent) for folder in folders):
        parent = parent.parent
    return parent


def _why_not(program: Path, place: Place) -> str | None:
    """Why the servers' account cannot run `program`; None when it can."""
    try:
        result = run_as(place.account, [program, "--version"])
    except OSError as error:
        return error.strerror or str(error)
    if result.returncode != 0:
        return result.stderr.strip() or f"exit code {result.returncode}"
    return None


def _version_in_path(folder: Path) -> tuple[int, ...]:
    """The version in `/usr/lib/postgresql/15/bin`, so that 15 sorts above 9.6."""
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())
