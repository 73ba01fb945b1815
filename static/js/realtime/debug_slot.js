// The debug tab of the assistant's drawer: an element [data-debug-slot] is filled with what happens on the person's
// latest call while it is in sight, for who sees all (data-sees-debug) or has localStorage.ai_debug set to "1".
(() => {
  "use strict";
  const EVERY_MS = 5_000;
  const ADDRESS = "/realtime/debug/drawer/";
  const PANEL = "/realtime/debug/";

  function hasAsked() {
    try {
      return localStorage.getItem("ai_debug") === "1";
    } catch {
      // Storage is off: then nothing was set there.
      return false;
    }
  }

  const mayLook = () => hasAsked() || document.querySelector("[data-sees-debug]") !== null;

  function showTab(slot, isShown) {
    const tab = slot.closest("[data-debug-tab]");
    if (tab) tab.hidden = !isShown;
  }

  async function fill(slot) {
    if (slot.matches(":hover") && slot.childElementCount) return;
    const answer = await fetch(ADDRESS, { headers: { "X-AI-Debug": hasAsked() ? "1" : "0" } });
    if (!answer.ok || answer.redirected) {
      // The server decides; a page that is refused shows nothing.
      slot.replaceChildren();
      slot.dataset.debugState = "refused";
      showTab(slot, false);
      stop(slot);
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-debug-drawer]");
    if (!fresh || slot.contains(document.activeElement)) return;
    slot.replaceChildren(fresh);
    slot.dataset.debugState = "filled";
    slot.dispatchEvent(new CustomEvent("aisha:debug", { bubbles: true }));
  }

  const timers = new WeakMap();

  function stop(slot) {
    clearInterval(timers.get(slot));
    timers.delete(slot);
  }

  function follow(slot) {
    const look = () => {
      if (!slot.isConnected) stop(slot);
      else if (!document.hidden) fill(slot).catch(() => undefined);
    };
    look();
    timers.set(slot, setInterval(look, EVERY_MS));
  }

  const sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) stop(target);
      else if (!timers.has(target) && target.dataset.debugState !== "refused") follow(target);
    }
  });

  function find() {
    if (!mayLook()) return;
    for (const slot of document.querySelectorAll("[data-debug-slot]:not([data-debug-state])")) {
      slot.dataset.debugState = "waiting";
      showTab(slot, true);
      sight.observe(slot);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    // A person who has set ai_debug comes by the plain address: the server is told, and decides.
    const asked = new URL(location.href);
    const isPanel = document.querySelector("[data-realtime-panel]") !== null;
    if (asked.pathname.startsWith(PANEL) && !isPanel && hasAsked() && !asked.searchParams.has("ai_debug")) {
      asked.searchParams.set("ai_debug", "1");
      location.replace(asked);
      return;
    }
    find();
  });
  // Where the drawer is swapped in later.
  document.addEventListener("htmx:afterSettle", find);
  document.addEventListener("aisha:assistant-drawn", find);
})();
