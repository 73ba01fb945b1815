"""Run both suites and add up what they report: `python .ci/run_tests.py [PYTEST ARGUMENT...]`.

Unit and integration tests in parts, and the browser tests in a process of their own, because Playwright's
event loop makes Django refuse the ORM unless it is told otherwise. Two of these run at a time, each with
servers of its own. One at a time where servers are given (DATABASE_URL) or tests are chosen by arguments.
The last line printed is the sum.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[1]
NO_TESTS_COLLECTED = 5  # pytest's exit code
EVERYDAY = "not browser and not soak"
CLEAN_UP_TIMEOUT_S = 20
# Of three parts one lane takes one and the browser tests, the other two: they are done about together.
PARTS = 3
# Of why a test failed, where all that failed are named again at the end.
MOST_WHY_SIGNS = 300


@dataclass
class Suite:
    """Tests that run in one process, and what came of them.

    With `is_selection` it is no error that none of these tests is among those selected.
    """

    name: str
    marker: str
    arguments: Sequence[str]
    is_selection: bool
    environment: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    code: int = 1

    def run(self, lanes: "Lanes", home: str) -> None:
        """Run the tests with servers of `home`."""
        servers = ["-m", "apps.operations.embedded", "run", "--volatile", "--with-parent", "--"]
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            tests = [sys.executable, "-m", "pytest", "-m", self.marker, f"--junitxml={report}"]
            # Migrations may have changed since the test database was made.
            command = [sys.executable, *servers, *tests, "--create-db", *self.arguments]
            environment = os.environ | self.environment | {"AISHA_HOME": home}
            self.code = lanes.call(self.name, command, environment)
            self.counts, self.failures = read_report(report)
        if self.code == NO_TESTS_COLLECTED and not self.is_selection:
            lanes.say(self.name, "error: no tests were collected.")
            self.counts["failed"] += 1
        elif self.code == NO_TESTS_COLLECTED:
            self.code = 0
        elif self.code and not self.counts["failed"]:
            self.counts["failed"] += 1  # it broke before or between tests


class Lanes:
    """Suites that run side by side, a lane each; whoever is done takes the next suite."""

    def __init__(self, suites: Sequence[Suite], homes: Sequence[str]) -> None:
        self._waiting = list(suites)
        self._homes = homes
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[str]] = []

    def run(self) -> None:
        """Run all suites; when we are told to stop, let each pytest clean up first."""
        threads = [threading.Thread(target=self._work, args=[home]) for home in self._homes]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except (KeyboardInterrupt, SystemExit):
            self._stop(threads)
            raise

    def say(self, name: str, line: str) -> None:
        """Print a whole line, with whose it is."""
        with self._lock:
            print(f"{name} | {line}" if len(self._homes) > 1 else line, flush=True)

    def call(self, name: str, command: list[str], environment: dict[str, str]) -> int:
        """Run a command to its end, passing on what it prints."""
        self.say(name, f"== {name} ==")
        with subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            self._processes.append(process)
            for line in process.stdout or ():
                self.say(name, line.rstrip("\n"))
            return process.wait()

    def _work(self, home: str) -> None:
        while suite := self._next():
            suite.run(self, home)

    def _next(self) -> Suite | None:
        with self._lock:
            return self._waiting.pop(0) if self._waiting else None

    def _stop(self, threads: Sequence[threading.Thread]) -> None:
        with self._lock:
            self._waiting.clear()
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for thread in threads:
            thread.join(CLEAN_UP_TIMEOUT_S)
        for process in self._processes:
            if process.poll() is None:
                process.kill()


def stop(number: int, _frame: object) -> None:
    """End with the exit code that a shell gives for the signal."""
    sys.exit(128 + number)


def read_report(report: Path) -> tuple[Counter[str], list[str]]:
    """Count outcomes in a JUnit file, and name what failed; an error in set-up or tear-down did."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    if not report.exists():
        return counts, failures
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it
        kinds = {child.tag: child for child in case}
        gone_wrong = kinds.get("failure", kinds.get("error"))
        if gone_wrong is not None:
            counts["failed"] += 1
            why = " ".join(gone_wrong.get("message", "").split())[:MOST_WHY_SIGNS]
            failures.append(f"{case.get('classname')}::{case.get('name')}: {why}")
        elif "skipped" in kinds:
            counts["skipped"] += 1
        else:
            counts["passed"] += 1
    return counts, failures


def find_browser() -> tuple[str, str]:
    """Chromium's path, or why the browser tests are skipped."""
    reason = os.environ.get("AISHA_SKIP_BROWSER_REASON", "")
    if reason:
        return "", reason
    script = PROJECT_ROOT / ".ci" / "find_browser"
    result = subprocess.run([str(script)], capture_output=True, text=True, check=False)
    lines = result.stderr.strip().splitlines()
    if lines:
        print("\n".join(lines), flush=True)
    return result.stdout.strip(), "" if result.returncode == 0 else lines[-1]


def count_tests(marker: str) -> int:
    """How many tests have a marker."""
    command = [sys.executable, "-m", "pytest", "-m", marker, "--collect-only", "-qq"]
    result = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    counts = (line.rpartition(": ")[2] for line in result.stdout.splitlines() if ": " in line)
    return sum(int(count) for count in counts if count.isdigit())


def everyday_suites(arguments: list[str]) -> list[Suite]:
    """The unit and integration tests: those chosen, or all of them in parts."""
    if arguments:
        return [Suite("unit", EVERYDAY, arguments, is_selection=True)]
    files = sorted(
        str(path.relative_to(PROJECT_ROOT))
        for folder in ("apps", "stubs")
        for path in (PROJECT_ROOT / folder).rglob("test_*.py")
    )
    return [
        Suite(f"unit {part + 1}", EVERYDAY, files[part::PARTS], is_selection=False)
        for part in range(PARTS)
    ]


def homes(is_selection: bool) -> list[str]:
    """The places of the servers, one for each lane."""
    home = os.environ.get("AISHA_HOME", ".aisha/test")
    is_given = "DATABASE_URL" in os.environ or "REDIS_URL" in os.environ
    return [home] if is_selection or is_given else [home, f"{home}-2"]


def main(arguments: list[str]) -> int:
    """Run both suites; return 0 only if every test passed or was skipped."""
    signal.signal(signal.SIGTERM, stop)
    started = time.monotonic()
    suites = everyday_suites(arguments)
    browser, reason = find_browser()
    if not reason:
        environment = {"DJANGO_ALLOW_ASYNC_UNSAFE": "true", "AISHA_CHROMIUM": browser}
        is_selection = bool(arguments)
        suites.insert(0, Suite("browser", "browser", arguments, is_selection, environment))
    Lanes(suites, homes(bool(arguments))).run()
    total = sum((suite.counts for suite in suites), Counter[str]())
    if reason:
        skipped = count_tests("browser")
        total += Counter(skipped=skipped)
        line = f"!! BROWSER TESTS SKIPPED: {reason}. {skipped} tests did not run. !!"
        print("!" * len(line), line, "!" * len(line), sep="\n", flush=True)
    for failure in (failure for suite in suites for failure in suite.failures):
        print(f"FAILED {failure}", flush=True)
    print(f"Both suites took {time.monotonic() - started:.0f} s.")
    line = f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped"
    print(line, flush=True)
    if "AISHA_TEST_SUM" in os.environ:
        Path(os.environ["AISHA_TEST_SUM"]).write_text(line + "\n")
    return 1 if total["failed"] or any(suite.code for suite in suites) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
