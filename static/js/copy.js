// <button data-copy="id" hidden>: copies the text of the element with that id, and says so. Without script the
// button stays hidden: the text can be marked by hand.
(() => {
  "use strict";
  const say = (level, text) => document.dispatchEvent(new CustomEvent("aisha:message", { detail: { level, text } }));

  document.addEventListener("DOMContentLoaded", () => {
    if (!navigator.clipboard) return; // Only there on a secure page.
    for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent).then(
      () => say("success", "Copied."),
      () => say("error", "The browser did not allow it: mark the text and copy it by hand."),
    );
  });
})();
