// The page of duplicates by keyboard. Every key does what a link or a button does; off while typing, behind an open
// dialog, and where the person has switched single keys off (queue_keys.js).
(() => {
  "use strict";
  const SWITCH = "aisha.keys";

  const pairs = () => [...document.querySelectorAll("[data-pair]")];
  const current = () => document.querySelector("[data-pair][aria-current]") ?? pairs()[0];

  const areOn = () => {
    try {
      return localStorage.getItem(SWITCH) !== "off";
    } catch {
      return true;
    }
  };

  function move(step) {
    const all = pairs();
    const marked = document.querySelector("[data-pair][aria-current]");
    const next = marked ? all[all.indexOf(marked) + step] : all[0];
    if (!next) {
      document.querySelector(step > 0 ? ".pagination a[rel='next']" : ".pagination a[rel='prev']")?.click();
      return;
    }
    marked?.removeAttribute("aria-current");
    next.setAttribute("aria-current", "true");
    next.querySelector("[data-pair-link]")?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  function press(selector) {
    current()?.querySelector(selector)?.click();
  }

  function merge() {
    const button = current()?.querySelector("[data-merge]");
    if (button) button.focus();
    else press("[data-pair-link]");
  }

  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    o: () => press("[data-pair-link]"),
    Enter: () => press("[data-pair-link]"),
    n: () => press("[data-not-duplicate]"),
    m: merge,
  };

  document.addEventListener("keydown", (event) => {
    if (!pairs().length || !areOn() || event.defaultPrevented || event.isComposing) return;
    if (event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input:not([type='checkbox']), textarea, select, [contenteditable]")) return;
    // Enter on a link or a button is that link's or button's.
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const does = KEYS[event.key];
    if (!does || (event.repeat && !["j", "k"].includes(event.key))) return;
    event.preventDefault();
    does();
  });
})();
