"""A browser with an open queue, which says when a card has arrived. Run by the measure of live pages.

``python watching.py CHROMIUM ADDRESS SESSION_KEY``: prints ``ready`` when the page
listens, and from then on one line for each change of the number of cards: the number, and the moment of the
change by the clock of the machine, in seconds.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

_WATCH = """
() => {
  const list = document.querySelector("[data-queue-list]");
  let known = 0;
  new MutationObserver(() => {
    const count = list.querySelectorAll("[data-suggestion-link]").length;
    if (count !== known) console.log(`cards ${known = count} ${Date.now() / 1000}`);
  }).observe(list, { childList: true, subtree: true });
}
"""


def main() -> None:
    """Watch until the process is ended."""
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
        page.on("console", lambda message: _tell(message.text))
        page.goto(address)
        page.wait_for_selector("body[data-live-state=open]")
        page.evaluate(_WATCH)
        _tell("ready")
        # Until the one who asked ends this process.
        page.wait_for_event("close", timeout=0)


def _tell(text: str) -> None:
    if text == "ready" or text.startswith("cards "):
        print(text.removeprefix("cards "), flush=True)


if __name__ == "__main__":
    main()
