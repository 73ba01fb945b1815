// The queue by keyboard, and the selection of several. Every key does what a link or a button on the page does, so
// that nothing can be done here that could not be clicked. Off while typing, behind an open dialog, and where the
// person has switched single keys off.
(() => {
  "use strict";
  const SWITCH = "aisha.keys";
  const TURNED = "aisha.page-turned";
  const selected = new Set();

  const list = () => document.querySelector("[data-queue-list]");
  const links = () => [...document.querySelectorAll("[data-queue-list] [data-suggestion-link]")];
  const currentLink = () => document.querySelector("[data-queue-list] [data-suggestion-link][aria-current]");
  const dialog = () => document.querySelector("[data-keys-dialog]");
  const tickOf = (link) => link?.parentElement.querySelector("[data-tick]");
  const openMenu = () => document.querySelector("#suggestion-detail details[data-menu][open]");

  const areOn = () => {
    try {
      return localStorage.getItem(SWITCH) !== "off";
    } catch {
      return true;
    }
  };

  function press(selector) {
    const element = document.querySelector(selector);
    if (element) element.click();
    return Boolean(element);
  }

  // 1 ---- moving

  // The head of the list and the bar of a selection stay where they are, and lie over the cards.
  function showWhole(link) {
    const heightOf = (selector) => document.querySelector(selector)?.offsetHeight ?? 0;
    link.style.scrollMarginBlock = `${heightOf(".queue-head")}px ${heightOf("[data-selection]")}px`;
    link.scrollIntoView({ block: "nearest" });
  }

  function move(step, selects) {
    const all = links();
    const place = all.indexOf(currentLink());
    if (selects) tick(all[place], true);
    const next = all[place + step];
    if (!next) {
      turnPage(step);
      return;
    }
    if (selects) tick(next, true);
    open(next);
  }

  function open(link) {
    // At once, so that fast keys go on from here; the page follows.
    for (const other of links()) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    link.focus({ preventScroll: true });
    showWhole(link);
    link.click();
  }

  // Over the edge of a page the walk goes on at the near end of the next one.
  function turnPage(step) {
    const way = document.querySelector(`[data-queue-list] a[rel='${step > 0 ? "next" : "prev"}']`);
    if (!way) return;
    try {
      sessionStorage.setItem(TURNED, step > 0 ? "0" : "-1");
    } catch {
      // No storage: the page opens as by a click.
    }
    way.click();
  }

  function goOn() {
    let place = null;
    try {
      place = sessionStorage.getItem(TURNED);
      sessionStorage.removeItem(TURNED);
    } catch {
      // No storage: nothing was kept.
    }
    const link = place === null ? null : links().at(Number(place));
    if (link && link !== currentLink()) open(link);
  }

  function read() {
    const screen = document.querySelector("[data-screen]");
    if (screen.dataset.screen === "list" && matchMedia("(width < 56.25rem)").matches) (currentLink() ?? links()[0])?.click();
    document.querySelector("#suggestion-title")?.focus();
  }

  // Whether a form holds what is saved nowhere: typed just now, or sent and come back with what is in its way.
  function isTyped(form) {
    return "typed" in form.dataset || Boolean(document.querySelector("#suggestion-change [role='alert']"));
  }

  function leave() {
    const edit = document.querySelector("[data-edit-cancel]");
    // What was typed is given up by the button alone.
    if (edit && isTyped(edit.closest("form"))) edit.focus();
    else if (edit) edit.click();
    else if (document.activeElement?.closest("#suggestion-detail")) {
      const back = document.querySelector(".detail-back");
      if (back?.offsetParent) back.click();
      else currentLink()?.focus();
    } else clearSelection();
  }

  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-edit-form]");
    if (form) form.dataset.typed = "yes";
  });

  // 2 ---- selecting

  function tick(link, isOn) {
    const box = tickOf(link);
    if (!box) return;
    box.checked = isOn ?? !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function clearSelection() {
    selected.clear();
    showSelection();
  }

  function showSelection() {
    const bar = document.querySelector("[data-selection]");
    if (!bar) return;
    const boxes = [...document.querySelectorAll("[data-tick]")];
    for (const box of boxes) box.checked = selected.has(box.dataset.tick);
    const ticked = boxes.filter((box) => box.checked);
    // What has left the list is no longer selected.
    for (const key of selected) if (!ticked.some((box) => box.dataset.tick === key)) selected.delete(key);
    list().classList.toggle("is-selecting", ticked.length > 0);
    bar.hidden = ticked.length === 0;
    const tools = new Set(ticked.map((box) => box.dataset.tool));
    const isRisky = ticked.some((box) => !("bulkable" in box.dataset));
    const why = isRisky ? "High risk is decided one by one." : tools.size > 1 ? "They make different kinds of change." : "";
    bar.querySelector("[data-selection-count]").textContent = `${ticked.length} selected.`;
    bar.querySelector("[data-selection-why]").textContent = why;
    bar.querySelector("[data-selection-go]").disabled = Boolean(why);
  }

  document.addEventListener("change", (event) => {
    const box = event.target.closest("[data-tick]");
    if (!box) return;
    if (box.checked) selected.add(box.dataset.tick);
    else selected.delete(box.dataset.tick);
    showSelection();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-selection-clear]")) clearSelection();
    if (event.target.closest("[data-keys-open]")) openKeys();
  });
  // The list is drawn anew after a decision, and when suggestions come and go.
  document.addEventListener("htmx:afterSettle", showSelection);
  document.addEventListener("aisha:list", showSelection);

  // 3 ---- deciding

  // While the card that was moved to is on its way, the pane still shows the former one: nobody has read what they
  // would decide on.
  function isRead() {
    const current = currentLink();
    const detail = document.querySelector("[data-suggestion]");
    return !current || !detail || current.dataset.suggestionLink === detail.dataset.suggestion;
  }

  // htmx makes what it has put in work a moment after it is seen. A form that is sent before that is sent past it,
  // and what was decided could not be taken back at once.
  function whenReady(act) {
    if (document.querySelector(".htmx-settling")) document.addEventListener("htmx:afterSettle", () => whenReady(act), { once: true });
    else act();
  }

  // Which card is marked is known by then, too.
  function whenRead(act) {
    whenReady(() => {
      if (isRead()) act();
    });
  }

  function approve() {
    if (selected.size) {
      const go = document.querySelector("[data-selection-go]");
      if (go && !go.disabled) go.click();
      return;
    }
    press("#approve [type='submit']");
  }

  function openByKey(key) {
    const menu = document.querySelector(`#suggestion-detail details[data-key="${key}"]`);
    if (!menu) return;
    menu.open = true;
    menu.querySelector("[data-choice]")?.focus();
  }

  function choose(digit) {
    openMenu()?.querySelectorAll("[data-choice]")[digit - 1]?.click();
  }

  function undo() {
    const toasts = document.querySelectorAll("[data-toast-undo] [type='submit']");
    if (toasts.length) toasts[toasts.length - 1].click();
    else press("#suggestion-detail a[data-key='z']");
  }

  function search() {
    const filters = document.querySelector(".queue-filters");
    filters.open = true;
    filters.querySelector("[data-queue-search]").focus();
  }

  function openKeys() {
    const shown = dialog();
    shown.querySelector("[data-keys-switch]").checked = areOn();
    shown.showModal();
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-switch]")) return;
    try {
      localStorage.setItem(SWITCH, event.target.checked ? "on" : "off");
    } catch {
      // No storage: the keys stay as they are.
    }
    showHints();
  });

  function showHints() {
    document.documentElement.classList.toggle("keys-off", !areOn());
  }

  const KEYS = {
    j: () => move(1, false),
    k: () => move(-1, false),
    J: () => move(1, true),
    K: () => move(-1, true),
    x: () => tick(currentLink()),
    a: approve,
    e: () => press("#suggestion-detail a[data-key='e']"),
    r: () => openByKey("r"),
    h: () => openByKey("h"),
    z: undo,
    "/": search,
    "?": openKeys,
  };

  const MOVES = new Set(["j", "k", "J", "K"]);
  const DECIDES = new Set(["a", "e", "r", "h"]);

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey || document.querySelector("dialog[open]")) return;
    const isTyping = event.target.closest("input:not([type='checkbox'], [type='radio']), textarea, select, [contenteditable]");
    const withCommand = event.ctrlKey || event.metaKey;
    if (withCommand && event.key === "Enter") {
      const primary = event.target.closest("form")?.querySelector("[data-primary]") ?? document.querySelector("main [data-primary]");
      if (!primary && !list()) return;
      event.preventDefault();
      if (event.repeat || !isRead()) return;
      if (primary) primary.click();
      else if (!isTyping) whenReady(approve);
      return;
    }
    if (!list() || withCommand || !areOn()) return;
    if (event.key === "Escape") {
      // A menu has closed itself before (menus.js); a field is left by the first Escape, its form by the second.
      if (isTyping) event.target.blur();
      else leave();
      return;
    }
    if (isTyping) return;
    if (/^[1-9]$/.test(event.key)) {
      if (!event.repeat) whenRead(() => choose(Number(event.key)));
      return;
    }
    if (event.key === "Enter" && event.target.matches("[data-suggestion-link][aria-current], body")) {
      event.preventDefault();
      read();
      return;
    }
    // By the Shift key, and not by the letter: with Caps Lock on it is another one.
    const key = event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase();
    const does = KEYS[key];
    if (!does) return;
    event.preventDefault();
    // A key that is held down walks the list, and decides once.
    if (event.repeat && !MOVES.has(key)) return;
    if (MOVES.has(key)) does();
    else if (DECIDES.has(key)) whenRead(does);
    else whenReady(does);
  });

  document.addEventListener("DOMContentLoaded", () => {
    showHints();
    showSelection();
    goOn();
  });
  // Whoever comes back to the page finds the ticks that the browser kept, and they count.
  window.addEventListener("pageshow", () => {
    for (const box of document.querySelectorAll("[data-tick]:checked")) selected.add(box.dataset.tick);
    showSelection();
  });
})();
