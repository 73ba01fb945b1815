// Notes that somebody looks at a page that tells what is new: when it is seen, not when a browser reads ahead.
(() => {
  "use strict";
  const page = document.querySelector("[data-look]");
  if (!page) return;
  let isNoted = false;

  function note() {
    if (isNoted || document.prerendering || document.visibilityState !== "visible") return;
    isNoted = true;
    const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers"));
    const body = new URLSearchParams({ until: page.dataset.lookUntil });
    // One that is lost costs nothing: what is new stays so until the next.
    fetch(page.dataset.look, { method: "POST", headers: { "X-CSRFToken": token }, body, keepalive: true }).catch(() => {});
  }

  document.addEventListener("visibilitychange", note);
  document.addEventListener("prerenderingchange", note);
  note();
})();
