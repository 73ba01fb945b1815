// Asks before a form is sent: <form data-confirm="Question?" data-confirm-yes="Verb">.
(() => {
  "use strict";
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      const dialog = document.querySelector("[data-confirm-dialog]");
      if (!form.dataset.confirm || form.dataset.confirmed || !dialog) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const submitter = event.submitter;
      dialog.querySelector("[data-confirm-question]").textContent = form.dataset.confirm;
      dialog.querySelector("[data-confirm-yes]").textContent = form.dataset.confirmYes || "Confirm";
      dialog.returnValue = "";
      dialog.addEventListener(
        "close",
        () => {
          if (dialog.returnValue === "yes") {
            form.dataset.confirmed = "yes";
            form.requestSubmit(submitter);
            delete form.dataset.confirmed;
          } else {
            submitter?.focus();
          }
        },
        { once: true },
      );
      dialog.showModal();
    },
    true,
  );
})();
