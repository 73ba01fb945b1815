// The review queue beside htmx: which card is current, which screen a phone shows, where focus and scroll stay.
(() => {
  "use strict";
  let listScroll = 0;
  // The card that a form has just been sent about.
  let decided = null;
  // Whether the form of editing was opened from the list, by its key.
  let editedFromList = false;

  const openDetail = () => document.querySelector("[data-suggestion]");

  // The card that is open, or on its way: whoever walks on by fast keys goes on from there.
  function markCurrent() {
    const coming = document.querySelector("[data-queue-list] [data-suggestion-link].htmx-request");
    const current = coming?.dataset.suggestionLink ?? openDetail()?.dataset.suggestion;
    for (const link of document.querySelectorAll("[data-suggestion-link]")) {
      if (link.dataset.suggestionLink === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  // A click that asks for a new tab or window belongs to the browser; htmx would swallow it.
  document.addEventListener(
    "click",
    (event) => {
      const isElsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
      if (isElsewhere && event.target.closest("a[hx-get]")) event.stopImmediatePropagation();
    },
    true,
  );

  // A list that was asked for while another card was open has that one marked.
  document.addEventListener("aisha:list", markCurrent);

  document.addEventListener("htmx:beforeSwap", (event) => {
    const list = document.querySelector("[data-queue-list]");
    listScroll = list ? list.scrollTop : 0;
    decided = event.detail.requestConfig.verb === "post" ? openDetail()?.dataset.suggestion : null;
    const opensForm = event.detail.target.id === "suggestion-change" && event.detail.requestConfig.verb === "get";
    if (opensForm) editedFromList = Boolean(document.activeElement?.closest("[data-queue-list]"));
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.target;
    const isNarrow = matchMedia("(width < 56.25rem)").matches;
    if (target.id === "suggestion-detail") {
      // A card was opened, or follows a decided one: the list stays, a narrow window turns to the detail.
      if (decided) document.querySelector(`[data-suggestion-link="${decided}"]`)?.parentElement.remove();
      markCurrent();
      document.querySelector("[data-screen]").dataset.screen = "detail";
      target.scrollTop = 0;
      if (isNarrow) window.scrollTo(0, 0);
      if (isNarrow || decided) target.querySelector("[data-focus]")?.focus({ preventScroll: true });
      // Who gives the form up is back where it was opened.
      if (event.detail.requestConfig.elt.matches("[data-edit-cancel]")) {
        const from = editedFromList ? "[data-suggestion-link][aria-current]" : "#suggestion-detail a[data-key='e']";
        document.querySelector(from)?.focus({ preventScroll: true });
      }
      if (decided) document.dispatchEvent(new CustomEvent("aisha:decided"));
      decided = null;
    }
    if (target.id === "suggestion-change") target.querySelector("input:not([type='hidden']), textarea, select")?.focus();
    if (target.id === "queue" && decided) {
      // The list was drawn anew and keeps its place; focus goes to what is to be read next.
      decided = null;
      const list = document.querySelector("[data-queue-list]");
      if (list) list.scrollTop = listScroll;
      document.querySelector("#queue [data-focus]")?.focus({ preventScroll: true });
      if (isNarrow) window.scrollTo(0, 0);
    }
  });
})();
