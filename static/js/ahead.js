// While one card of the queue is read, the next one is fetched, to be shown at once when this one is decided. The
// answer to the decision says whether what was fetched still stands, and brings the card where it does not.
(() => {
  "use strict";
  const HEADER = "Aisha-Ahead";
  // Whoever walks on sooner is not reading.
  const READING_AFTER_MS = 200;
  // What is older is asked for with the decision.
  const KEPT_MS = 60_000;
  let timer = 0;
  let asked = null;
  // Which card is being fetched, or is at hand.
  let wanted = null;
  let kept = null;
  // What was at hand when the decision was sent.
  let offered = null;

  const pane = () => document.querySelector("#suggestion-detail");

  // As the server goes on: to the card that follows, else to the one before.
  function nextLink() {
    const item = document.querySelector("[data-queue-list] [data-suggestion-link][aria-current]")?.closest("li");
    const next = item?.nextElementSibling ?? item?.previousElementSibling;
    return next?.querySelector("[data-suggestion-link]");
  }

  async function read() {
    const link = nextLink();
    if (!link || !document.querySelector("#approve")) return;
    asked = new AbortController();
    wanted = link.dataset.suggestionLink;
    const headers = { "HX-Request": "true", "HX-Target": "suggestion-detail", [HEADER]: "read" };
    try {
      const response = await fetch(link.href, { headers, cache: "no-store", signal: asked.signal });
      const mark = response.headers.get(HEADER);
      if (!response.ok || !mark) return;
      kept = { mark, html: await response.text(), at: performance.now() };
      pane().dataset.atHand = wanted;
    } catch {
      // Nothing is at hand then, and the decision is answered with the card.
    }
  }

  function readSoon() {
    clearTimeout(timer);
    asked?.abort();
    wanted = kept = null;
    delete pane()?.dataset.atHand;
    if (document.querySelector("[data-queue-list]")) timer = setTimeout(read, READING_AFTER_MS);
  }

  const isDecision = (config) => config.verb === "post" && config.target?.id === "queue";

  document.addEventListener("htmx:configRequest", (event) => {
    if (!isDecision(event.detail)) return;
    offered = kept && performance.now() - kept.at < KEPT_MS ? kept : null;
    if (offered) event.detail.headers[HEADER] = offered.mark;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const mark = event.detail.xhr.getResponseHeader(HEADER);
    if (mark && mark === offered?.mark) event.detail.serverResponse = offered.html + event.detail.serverResponse;
  });

  // Another card is open, or another one follows it.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (["suggestion-detail", "queue"].includes(event.detail.target.id)) readSoon();
  });
  document.addEventListener("aisha:list", () => {
    if (nextLink()?.dataset.suggestionLink !== wanted) readSoon();
  });
  document.addEventListener("DOMContentLoaded", readSoon);
})();
