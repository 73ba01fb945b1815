// Messages in [data-messages]: announced also on page load, dismissed by hand or, when all is well, after a while
// or by the next one.
// Other scripts ask for one with: document.dispatchEvent(new CustomEvent("aisha:message", {detail: {level, text}})).
// Of what is told `about` one thing the latest stands there alone; without words that is taken back.
(() => {
  "use strict";
  const STAY_MS = 7000;
  const region = () => document.querySelector("[data-messages]");

  const needsDismissal = (message) => message.matches(".message-error, .message-warning");

  function leaveLater(message) {
    // Warnings and errors stay until they are dismissed; the rest waits while it is being read.
    if (needsDismissal(message)) return;
    const stayMs = Number(message.dataset.stayMs) || STAY_MS;
    let timer = setTimeout(() => message.remove(), stayMs);
    const hold = () => clearTimeout(timer);
    const resume = () => {
      clearTimeout(timer);
      timer = setTimeout(() => message.remove(), stayMs);
    };
    message.addEventListener("pointerenter", hold);
    message.addEventListener("focusin", hold);
    message.addEventListener("pointerleave", resume);
    message.addEventListener("focusout", resume);
  }

  function show({ level, text, about = "" }) {
    const target = region();
    if (!target) return;
    if (about) target.querySelector(`[data-about="${CSS.escape(about)}"]`)?.remove();
    if (!text) return;
    const message = document.createElement("div");
    message.className = `message message-${level}`;
    message.dataset.message = "";
    if (about) message.dataset.about = about;
    const words = document.createElement("span");
    words.className = "message-text";
    words.textContent = text;
    const dismiss = document.createElement("button");
    dismiss.type = "button";
    dismiss.className = "button button-quiet button-small";
    dismiss.dataset.dismiss = "";
    dismiss.textContent = "Dismiss";
    message.append(words, dismiss);
    target.append(message);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (button) button.closest("[data-message]")?.remove();
  });
  document.addEventListener("aisha:message", (event) => show(event.detail));

  document.addEventListener("DOMContentLoaded", () => {
    const target = region();
    if (!target) return;
    // A live region speaks only of what arrives after it: put the first messages in again.
    const first = [...target.children];
    target.replaceChildren();
    new MutationObserver((changes) => {
      const added = changes
        .flatMap((change) => [...change.addedNodes])
        .filter((node) => node instanceof HTMLElement && node.matches("[data-message]"));
      if (!added.length) return;
      added.forEach(leaveLater);
      // What was said before is over, unless it is a warning or being read.
      for (const message of target.querySelectorAll("[data-message]:not(:hover, :focus-within)")) {
        if (!added.includes(message) && !needsDismissal(message)) message.remove();
      }
    }).observe(target, { childList: true });
    setTimeout(() => target.append(...first), 50);
  });

  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    const text =
      status === 403
        ? "This was refused: you may not do that. Nothing was changed."
        : status === 404
          ? "This is not here any more. Reload the page to see the present state."
          : `The server could not do this (error ${status}). Reload the page to see the present state, then try again.`;
    show({ level: "error", text });
  });
  document.addEventListener("htmx:sendError", () => {
    const text = navigator.onLine
      ? "The server was not reached. Check the connection, then try again."
      : "You are offline: nothing was sent, and what you have typed is still here. Try again when you are back.";
    show({ level: "error", text });
  });
})();
