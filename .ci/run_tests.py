"""Run both suites and add up what they report: `python .ci/run_tests.py [PYTEST ARGUMENT...]`.

First unit and integration tests, then the browser tests in a process of their own, because
Playwright's event loop makes Django refuse the ORM unless it is told otherwise. The last
line printed is the sum. Run under `embedded run`, which provides the servers.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[1]
NO_TESTS_COLLECTED = 5  # pytest's exit code
EVERYDAY = "not browser and not soak"
CLEAN_UP_TIMEOUT_S = 20


def run_pytest(
    name: str,
    marker: str,
    arguments: list[str],
    environment: dict[str, str],
    *,
    is_selection: bool,
) -> tuple[Counter[str], int]:
    """Run the tests with a marker; return how many had which outcome, and the exit code.

    With `is_selection` it is no error that none of these tests is among those selected.
    """
    print(f"== {name} tests ==", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", marker, f"--junitxml={report}"]
        code = call([*command, *arguments], os.environ | environment)
        counts = read_report(report)
    if code == NO_TESTS_COLLECTED and not is_selection:
        print(f"error: no {name} tests were collected.", flush=True)
        return counts + Counter(failed=1), 1
    if code == NO_TESTS_COLLECTED:
        return counts, 0
    if code and not counts["failed"]:
        counts["failed"] += 1  # it broke before or between tests
    return counts, code


def call(command: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end; when we are told to stop, let pytest clean up first."""
    with subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment) as process:
        try:
            return process.wait()
        except (KeyboardInterrupt, SystemExit):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(CLEAN_UP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def stop(number: int, _frame: object) -> None:
    """End with the exit code that a shell gives for the signal."""
    sys.exit(128 + number)


def read_report(report: Path) -> Counter[str]:
    """Count the outcomes in a JUnit file; an error in set-up or tear-down is a failure."""
    counts: Counter[str] = Counter()
    if not report.exists():
        return counts
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            counts["failed"] += 1
        elif "skipped" in kinds:
            counts["skipped"] += 1
        else:
            counts["passed"] += 1
    return counts


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


def main(arguments: list[str]) -> int:
    """Run both suites; return 0 only if every test passed or was skipped."""
    signal.signal(signal.SIGTERM, stop)
    started = time.monotonic()
    # The first suite makes the test database anew: migrations may have changed.
    total, code = run_pytest(
        "unit and integration",
        EVERYDAY,
        ["--create-db", *arguments],
        {},
        is_selection=bool(arguments),
    )
    browser, reason = find_browser()
    if reason:
        skipped = count_tests("browser")
        total += Counter(skipped=skipped)
        line = f"!! BROWSER TESTS SKIPPED: {reason}. {skipped} tests did not run. !!"
        print("!" * len(line), line, "!" * len(line), sep="\n", flush=True)
    else:
        counts, browser_code = run_pytest(
            "browser",
            "browser",
            arguments,
            {"DJANGO_ALLOW_ASYNC_UNSAFE": "true", "AISHA_CHROMIUM": browser},
            is_selection=bool(arguments),
        )
        total += counts
        code = code or browser_code
    print(f"Both suites took {time.monotonic() - started:.0f} s.")
    line = f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped"
    print(line, flush=True)
    if "AISHA_TEST_SUM" in os.environ:
        Path(os.environ["AISHA_TEST_SUM"]).write_text(line + "\n")
    return 1 if code or total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
