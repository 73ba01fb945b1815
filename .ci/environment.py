"""Make .venv fit the pinned requirements: `python3 .ci/environment.py FILE...`.

Installs only when a requirement file has changed since the last time. Uses the standard
library alone, of whichever Python 3.11 or later the Makefile found.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = PROJECT_ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"


def say(text: str) -> None:
    """Tell the person what takes time; standard output belongs to the command that follows."""
    print(text, file=sys.stderr, flush=True)


def has_venv() -> bool:
    """Whether this Python can make virtual environments with pip: Debian packs that apart."""
    probe = [sys.executable, "-c", "import ensurepip, venv"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def install_venv() -> None:
    """Install Debian's package for it if we may, else say how."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["apt-get", "install", "-y", "-qq", f"python{version}-venv"]
    if shutil.which("apt-get"):
        prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
        if not prefix or shutil.which("sudo"):
            say(f"Python {version} lacks its venv module; trying: {' '.join(prefix + command)}")
            subprocess.run(
                [*prefix, "apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL
            )
            subprocess.run([*prefix, *command], check=False, stdout=subprocess.DEVNULL)
    if not has_venv():
        sys.exit(
            f"error: {sys.executable} cannot make virtual environments. On Debian and Ubuntu: "
            f"sudo apt-get install python{version}-venv. Or name another Python: make PYTHON=..."
        )


def is_usable() -> bool:
    """Whether .venv stands where it was made, and its Python and pip still run."""
    probe = [str(PYTHON), "-c", "import sys, pip; print(sys.prefix)"]
    try:
        result = subprocess.run(probe, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return result.returncode == 0 and Path(result.stdout.strip()) == ENVIRONMENT


def is_wanted_version() -> bool:
    """Whether .venv has this Python's version; asked only when the person named a Python."""
    probe = [str(PYTHON), "-c", "import sys; print(sys.version_info[:2])"]
    result = subprocess.run(probe, capture_output=True, text=True, check=False)
    return result.stdout.strip() == str(sys.version_info[:2])


def make_environment(*, same_version: bool) -> None:
    """Create .venv, or leave it as it is when it is usable."""
    if is_usable() and (not same_version or is_wanted_version()):
        return
    if not has_venv():
        install_venv()
    say(f"Making .venv with Python {sys.version.split()[0]} ...")
    venv.create(ENVIRONMENT, clear=True, with_pip=True, symlinks=True)


def install(names: list[str]) -> None:
    """Install the requirement files, unless exactly these are installed already."""
    for name in names:
        content = hashlib.sha256()
        for path in sorted(PROJECT_ROOT.glob("requirements*.txt")):
            content.update(path.read_bytes())
        stamp = ENVIRONMENT / f".installed-{name}"
        if stamp.exists() and stamp.read_text() == content.hexdigest():
            continue
        say(f"Installing {name} ...")
        command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        result = subprocess.run([*command, "-r", name], cwd=PROJECT_ROOT, check=False, stdout=2)
        if result.returncode != 0:
            sys.exit(f"error: {name} could not be installed; pip says why above.")
        stamp.write_text(content.hexdigest())


def main(arguments: list[str]) -> None:
    """Bring .venv up to date, one process at a time."""
    same_version = "--same-version" in arguments
    names = [argument for argument in arguments if argument != "--same-version"]
    if sys.version_info < (3, 11):  # noqa: UP036 - this runs before any check could
        sys.exit(f"error: AiSHA needs Python 3.11 or later, not {sys.version.split()[0]}.")
    with (PROJECT_ROOT / ".ci" / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        make_environment(same_version=same_version)
        install(names)


if __name__ == "__main__":
    main(sys.argv[1:])
