// A form is sent once: the pressed button shows that it is at work, and a second press does nothing.
(() => {
  "use strict";

  function release(form) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy='true']")) button.removeAttribute("aria-busy");
  }

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (form.method !== "post") return;
      if (form.dataset.sent) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
    },
    true,
  );

  // In the bubbling phase, so that a dialog that asks first can still stop it.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const isSent = !event.defaultPrevented || form.hasAttribute("hx-post");
    if (form.method !== "post" || !isSent) return;
    form.dataset.sent = "yes";
    // aria-busy, not disabled: a disabled button would not send its own value, and would lose focus.
    const pressed = event.submitter || form.querySelector("[type='submit']");
    pressed?.setAttribute("aria-busy", "true");
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest("form");
    if (form) release(form);
  });
  // <label data-check-all hidden> ticks and unticks all boxes of its form; without script it stays hidden.
  document.addEventListener("DOMContentLoaded", () => {
    for (const label of document.querySelectorAll("[data-check-all]")) label.hidden = false;
  });
  document.addEventListener("change", (event) => {
    const all = event.target;
    if (!all.closest("[data-check-all]")) return;
    for (const box of all.form.querySelectorAll("input[type='checkbox']")) box.checked = all.checked;
  });

  // Coming back by the browser's history must not find a locked form.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(release);
  });
})();
