// Suggestions that arrive, change and go while a page is open. The socket only says that something changed; what it
// is, the page fetches. Nothing moves under the pointer, and focus stays where it is.
(() => {
  "use strict";
  const FIRST_RETRY_MS = 1_000;
  const LAST_RETRY_MS = 30_000;
  // A server that answers slowly is left alone as long as it took, but no longer than this.
  const LONGEST_REST_MS = 5_000;
  // So soon the socket tells of a decision of one's own; else the page asks by itself.
  const TOLD_WITHIN_MS = 500;
  // Refused for good: signed out, or not a person of this tenant.
  const REFUSED = new Set([4401, 4403]);
  let retryMs = FIRST_RETRY_MS;
  let hasBeenOpen = false;
  let fetching = null;
  let isStale = false;
  // A list that is held back, and the element that it is to fill: after a swap that is another view's.
  let waiting = null;
  let ownNews = 0;

  const list = () => document.querySelector("[data-queue-list]");
  const openDetail = () => document.querySelector("[data-suggestion]");

  function newsAddress() {
    const address = new URL(document.body.dataset.news, location.href);
    if (!list()) return address;
    const shown = new URLSearchParams(location.search);
    for (const [name, value] of shown) address.searchParams.append(name, value);
    address.searchParams.set("list", "1");
    const detail = openDetail();
    if (detail) {
      address.searchParams.set("open", detail.dataset.suggestion);
      address.searchParams.set("seen_at", detail.dataset.seenAt);
      address.searchParams.set("seen_state", detail.dataset.state);
    }
    return address;
  }

  // One fetch at a time; what changes meanwhile is fetched after it, and after a rest as long as it took: a server
  // that many pages ask at once has room for other work.
  async function catchUp() {
    isStale = true;
    if (fetching) return;
    while (isStale) {
      isStale = false;
      const asked = { address: newsAddress(), search: location.search, list: list() };
      const began = performance.now();
      fetching = fetch(asked.address, { headers: { "HX-Request": "true" } });
      try {
        const response = await fetching;
        if (response.ok && !response.redirected) take(await response.text(), asked);
      } catch {
        // The socket is lost as well, and says so: the page catches up when it is back.
      }
      const restMs = Math.min(performance.now() - began, LONGEST_REST_MS);
      if (isStale) await new Promise((resume) => setTimeout(resume, restMs));
      fetching = null;
    }
  }

  function take(html, asked) {
    const parts = new DOMParser().parseFromString(html, "text/html").querySelector("[data-news-parts]");
    if (!parts) return;
    for (const id of ["nav-badge", "header-badge"]) {
      const fresh = parts.querySelector(`#${id}`);
      document.getElementById(id)?.replaceWith(fresh ?? "");
    }
    const fresh = parts.querySelector("[data-news-list]");
    if (asked.list !== list() || asked.search !== location.search) {
      // Another view, or other filters, by now: what came is not theirs.
      isStale = true;
      return;
    }
    if (fresh && list()) offerList(fresh);
    // Another card, or another edition, may be open by now: what was asked of the former says nothing of it.
    if (newsAddress().search !== asked.address.search) return;
    tellOpen(parts.querySelector("[data-news-open]")?.textContent ?? "");
  }

  function cardsIn(element) {
    return [...element.querySelectorAll("[data-suggestion-link]")].map((link) => link.dataset.suggestionLink + link.textContent);
  }

  // Cards that come in below the last one move nothing.
  function staysInPlace(shown, fresh) {
    const [before, after] = [cardsIn(shown), cardsIn(fresh)];
    return before.every((card, place) => card === after[place]) && (before.length > 0 || after.length === 0);
  }

  function offerList(fresh) {
    const shown = list();
    const isBusy = shown.matches(":hover") || shown.contains(document.activeElement);
    waiting = { fresh, list: shown };
    if (!isBusy || staysInPlace(shown, fresh)) applyList();
    else offer(fresh);
  }

  function offer(fresh) {
    const known = new Set([...list().querySelectorAll("[data-suggestion-link]")].map((link) => link.dataset.suggestionLink));
    const arrived = [...fresh.querySelectorAll("[data-suggestion-link]")].filter((link) => !known.has(link.dataset.suggestionLink));
    const words = arrived.length ? `${arrived.length} new` : "The list has changed";
    let pill = list().querySelector("[data-news-pill]");
    if (!pill) {
      pill = document.createElement("button");
      pill.type = "button";
      pill.className = "news-pill";
      pill.dataset.newsPill = "";
      pill.addEventListener("click", () => {
        applyList();
        list().querySelector("[data-suggestion-link]")?.focus();
      });
      list().querySelector(".queue-head").append(pill);
    }
    pill.textContent = `${words}. Show`;
  }

  function applyList() {
    const shown = list();
    if (!shown || !waiting) return;
    const { fresh, list: meant } = waiting;
    waiting = null;
    if (meant !== shown) return;
    const place = shown.scrollTop;
    const isFilterOpen = shown.querySelector(".queue-filters")?.open;
    const focusId = shown.contains(document.activeElement) ? document.activeElement.id : "";
    shown.replaceChildren(...fresh.childNodes);
    if (isFilterOpen) shown.querySelector(".queue-filters").open = true;
    htmx.process(shown);
    shown.scrollTop = place;
    document.dispatchEvent(new CustomEvent("aisha:list"));
    if (focusId) document.getElementById(focusId)?.focus({ preventScroll: true });
  }

  function tellOpen(words) {
    const detail = openDetail();
    if (!detail) return;
    let note = detail.querySelector("[data-news-note]");
    if (!words) {
      note?.remove();
      return;
    }
    if (!note) {
      note = document.createElement("div");
      note.className = "news-note";
      note.dataset.newsNote = "";
      note.setAttribute("role", "status");
      const text = document.createElement("p");
      const again = document.createElement("a");
      again.className = "button button-small";
      again.href = location.href;
      again.textContent = "Look again";
      note.append(text, again);
      detail.prepend(note);
    }
    note.querySelector("p").textContent = words;
  }

  function connect() {
    const address = new URL(document.body.dataset.live, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.addEventListener("open", () => {
      retryMs = FIRST_RETRY_MS;
      document.body.dataset.liveState = "open";
      // What was said while nobody listened.
      if (hasBeenOpen) catchUp();
      hasBeenOpen = true;
    });
    socket.addEventListener("message", () => {
      clearTimeout(ownNews);
      catchUp();
    });
    socket.addEventListener("close", (event) => {
      document.body.dataset.liveState = "closed";
      if (REFUSED.has(event.code)) return;
      // Not all pages at once after a restart of the server.
      setTimeout(connect, retryMs * (0.5 + Math.random()));
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (document.body.dataset.live) connect();
  });
  // A short absence need not cost the socket, but what was to be fetched meanwhile.
  window.addEventListener("online", () => {
    if (document.body.dataset.live) catchUp();
  });
  document.addEventListener("aisha:decided", () => {
    clearTimeout(ownNews);
    ownNews = setTimeout(catchUp, TOLD_WITHIN_MS);
  });
  // What was held back because the pointer was there goes in once it has left.
  document.addEventListener("mouseover", (event) => {
    const shown = list();
    if (waiting && shown && !shown.contains(event.target) && !shown.contains(document.activeElement)) applyList();
  });
})();
