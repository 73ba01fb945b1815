"""The largest size of a process, for measures of memory."""

from __future__ import annotations

import resource
import subprocess
import sys

from django.conf import settings

# By way of a small process: a child's largest size begins with what its parent held at the fork.
_TELL_SIZE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_size_mb(*arguments: str) -> int:
    """Run ``manage.py`` with these arguments; returns its largest resident size in MB.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    told = subprocess.run(
        [sys.executable, "-c", _TELL_SIZE, sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return _in_mb(int(told.stdout))


def own_peak_size_mb() -> int:
    """The largest resident size that this process has had, in MB."""
    return _in_mb(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _in_mb(told: int) -> int:
    in_kib = 1024 if sys.platform != "darwin" else 1024**2
    return round(told / in_kib)
