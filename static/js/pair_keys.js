// The page of duplicates by keyboard. Every key does what a link or a button does; off while typing, behind an open
// dialog, and where the person has switched single keys off (queue_keys.js).
(() => {
  "use strict";
  const SWITCH = "aisha.keys";
  const GOES_ON = "aisha.pairs.goes_on";

  const pairs = () => [...document.querySelectorAll("[data-pair]")];
  const marked = () => document.querySelector("[data-pair][aria-current]");
  // Nothing is decided of a pair that nobody has gone to: in a list that is the marked one alone.
  const chosen = () => marked() ?? (document.querySelector("[data-pair-list]") ? null : pairs()[0]);
  const here = () => location.pathname + location.search;

  const areOn = () => {
    try {
      return localStorage.getItem(SWITCH) !== "off";
    } catch {
      return true;
    }
  };

  function mark(pair) {
    marked()?.removeAttribute("aria-current");
    pair.setAttribute("aria-current", "true");
    pair.querySelector("[data-pair-link]")?.focus({ preventScroll: true });
    pair.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = pairs();
    const next = marked() ? all[all.indexOf(marked()) + step] : all[0];
    if (next) mark(next);
    else document.querySelector(step > 0 ? ".pagination a[rel='next']" : ".pagination a[rel='prev']")?.click();
  }

  function open() {
    (marked() ?? pairs()[0]).querySelector("[data-pair-link]")?.click();
  }

  function withChosen(does) {
    const pair = chosen();
    if (pair) does(pair);
    else {
      const detail = { level: "info", text: "No pair is marked: j goes to the first.", about: "pair" };
      document.dispatchEvent(new CustomEvent("aisha:message", { detail }));
    }
  }

  function settle(pair) {
    const button = pair.querySelector("[data-not-duplicate]");
    if (!button) return;
    try {
      sessionStorage.setItem(GOES_ON, JSON.stringify({ at: here(), place: pairs().indexOf(pair) }));
    } catch {
      // Without it nothing is marked when the list comes back.
    }
    button.click();
  }

  function merge(pair) {
    const button = pair.querySelector("[data-merge]");
    if (button) button.focus();
    else pair.querySelector("[data-pair-link]")?.click();
  }

  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    o: open,
    Enter: open,
    n: () => withChosen(settle),
    m: () => withChosen(merge),
  };

  // The list comes back without the pair that was settled: the one after it stands in its place.
  document.addEventListener("DOMContentLoaded", () => {
    const all = document.querySelector("[data-pair-list]") ? pairs() : [];
    try {
      const { at, place } = JSON.parse(sessionStorage.getItem(GOES_ON) ?? "{}");
      sessionStorage.removeItem(GOES_ON);
      if (at === here() && all.length) mark(all[Math.min(place, all.length - 1)]);
    } catch {
      // Nothing is kept in this browser.
    }
  });

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
