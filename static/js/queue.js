// The review queue beside htmx: which card is current, which screen a phone shows, where focus and scroll stay.
(() => {
  "use strict";
  let listScroll = 0;
  let decidedByPost = false;

  function markCurrent() {
    const detail = document.querySelector("[data-suggestion]");
    for (const link of document.querySelectorAll("[data-suggestion-link]")) {
      if (detail && link.dataset.suggestionLink === detail.dataset.suggestion) link.setAttribute("aria-current", "true");
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

  document.addEventListener("htmx:beforeSwap", (event) => {
    const list = document.querySelector("[data-queue-list]");
    listScroll = list ? list.scrollTop : 0;
    decidedByPost = event.detail.requestConfig.verb === "post";
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.target;
    if (target.id === "suggestion-detail") {
      // One card was opened: the list stays, a narrow window turns to the detail.
      markCurrent();
      document.querySelector("[data-screen]").dataset.screen = "detail";
      target.scrollTop = 0;
      if (matchMedia("(width < 56.25rem)").matches) {
        window.scrollTo(0, 0);
        target.querySelector("[data-focus]")?.focus({ preventScroll: true });
      }
    }
    if (target.id === "suggestion-change") target.querySelector("input:not([type='hidden']), textarea, select")?.focus();
    if (target.id === "queue" && decidedByPost) {
      // A decision: the list keeps its place, and focus goes to what is to be read next.
      decidedByPost = false;
      const list = document.querySelector("[data-queue-list]");
      if (list) list.scrollTop = listScroll;
      const next = document.querySelector("#queue [data-focus]");
      next?.focus({ preventScroll: true });
      if (matchMedia("(width < 56.25rem)").matches) window.scrollTo(0, 0);
    }
  });
})();
