// Runs in the head, before the first paint: applies the kept theme and says that script is on.
// The switch itself: buttons with data-set-theme ("", "light" or "dark").
(() => {
  "use strict";
  const KEY = "aisha-theme";
  const root = document.documentElement;

  function readTheme() {
    try {
      return localStorage.getItem(KEY) || "";
    } catch {
      return ""; // Storage may be barred; the system's choice then stands.
    }
  }

  function applyTheme(theme) {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-set-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === theme));
    }
  }

  root.classList.add("js");
  applyTheme(readTheme());
  document.addEventListener("DOMContentLoaded", () => applyTheme(readTheme()));
  window.addEventListener("storage", (event) => event.key === KEY && applyTheme(readTheme()));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set-theme]");
    if (!button) return;
    try {
      localStorage.setItem(KEY, button.dataset.setTheme);
    } catch {
      // The choice then lasts as long as the page.
    }
    applyTheme(button.dataset.setTheme);
  });
})();
