"""A browser with an open debug panel. Run by the measure of the panel.

``python looking.py CHROMIUM ADDRESS SESSION_KEY``: prints ``ready`` when the panel listens; after a line on
its input the longest task of the page, in milliseconds, and the number of rows in it; then it ends.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

_WATCH = """
() => {
  window.tasksMs = [];
  new PerformanceObserver((list) => window.tasksMs.push(...list.getEntries().map((task) => task.duration)))
    .observe({ type: "longtask" });
}
"""


def main() -> None:
    """Look until told to tell."""
    chromium, address, session_key = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context()
        host = urlsplit(address).hostname or ""
        context.add_cookies(
            [{"name": "sessionid", "value": session_key, "domain": host, "path": "/"}]
        )
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("[data-stream][data-state=live]")
        page.evaluate(_WATCH)
        print("ready", flush=True)
        sys.stdin.readline()
        longest_ms = page.evaluate("Math.max(0, ...window.tasksMs)")
        print(round(longest_ms, 1), page.locator(".stream-row").count(), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
