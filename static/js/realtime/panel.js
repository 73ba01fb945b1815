// The stream of events on the debug panel: what a socket tells, and what was stored before. However many events
// come, a frame draws few of them, and the page holds a bounded number of rows.
(() => {
  "use strict";
  const FIRST_RETRY_MS = 1_000;
  const LAST_RETRY_MS = 30_000;
  // What nobody says again that they look at is not passed on after a minute.
  const WATCH_EVERY_MS = 30_000;
  // In the page; in memory, for filters; drawn in one frame; looked through in one frame for a filter.
  const MOST_ROWS = 500;
  const MOST_KEPT = 5_000;
  // Two and a half times what memory holds at most: kept, waiting to be drawn, and held back.
  const MOST_IDS = 10 * MOST_KEPT;
  const MOST_A_FRAME = 60;
  const LOOKED_THROUGH_A_FRAME = 400;
  const MOST_TYPES = 200;
  const LONGEST_SUMMARY = 160;
  const COUNTS_EVERY_MS = 250;
  const MEASURES_AFTER_MS = 1_000;
  const STATISTICS_AFTER_MS = 15_000;
  const REFUSED = { 4401: "Signed out. Sign in and load the page again.", 4403: "Refused: the panel is not for you, or realtime voice is off." };
  const WAYS = { in: "← in", out: "→ out", local: "· local" };
  const ENDS_SOMETHING = new Set([
    "response.done", "output_audio_buffer.stopped", "output_audio_buffer.cleared", "aisha.tool_result", "aisha.drop",
    "aisha.reconnect", "aisha.connection_state", "aisha.end",
  ]);

  function begin(section) {
    const part = (name) => section.querySelector(`[data-${name}]`);
    const [rows, detail, counts, pauseButton] = ["stream-rows", "stream-detail", "stream-counts", "pause"].map(part);
    const filters = part("stream-filters");
    const { session, events: eventsAddress, measures: measuresAddress } = section.dataset;
    const asksByDebug = section.dataset.aiDebug !== undefined;
    const headers = asksByDebug ? { "X-AI-Debug": "1" } : {};
    const eventOf = new WeakMap();
    const types = new Set();
    let kept = [];
    let knownIds = new Set();
    let pending = [];
    let held = [];
    let passedOver = 0;
    let isPaused = false;
    let isReplay = false;
    let isFollowing = true;
    let frame = 0;
    let lastRow = Number(section.dataset.firstRow ?? 0);
    let meanwhile = null;
    let chosen = null;
    let wanted = readFilters();
    let refill = null;

    // -- what fits -------------------------------------------------------------------------------------------

    function readFilters() {
      const typed = new FormData(filters);
      const text = (name) => String(typed.get(name) ?? "").trim().toLowerCase();
      return { type: text("type"), direction: text("direction"), origin: text("origin"), turn: Number(text("turn")) || null, text: text("text") };
    }

    function fits(event) {
      if (wanted.type && !event.type.includes(wanted.type)) return false;
      if (wanted.direction && event.direction !== wanted.direction) return false;
      if (wanted.origin && event.origin !== wanted.origin) return false;
      if (wanted.turn !== null && event.turn !== wanted.turn) return false;
      return !wanted.text || JSON.stringify(event).toLowerCase().includes(wanted.text);
    }

    // -- rows ------------------------------------------------------------------------------------------------

    function cell(name, words) {
      const span = document.createElement("span");
      span.className = name;
      span.textContent = words;
      return span;
    }

    function clock(ms) {
      const s = ms / 1000;
      return s < 60 ? `${s.toFixed(2)} s` : `${Math.floor(s / 60)}:${(s % 60).toFixed(2).padStart(5, "0")}`;
    }

    function isBad(event) {
      return event.type === "aisha.drop" || event.type === "error" || event.type.endsWith(".failed") ||
        ["refused", "failed"].includes(event.data?.status) || event.data?.status >= 400;
    }

    function rowOf(event) {
      const row = document.createElement("li");
      row.className = isBad(event) ? "stream-row stream-bad" : "stream-row";
      const data = JSON.stringify(event.data ?? {});
      row.append(
        cell("stream-at", clock(event.at_ms)),
        cell("stream-way", WAYS[event.direction] ?? event.direction),
        cell("stream-type", event.type),
        cell("stream-tags", [event.turn ? `turn ${event.turn}` : "", event.origin, session ? "" : String(event.session ?? "").slice(0, 8)].filter(Boolean).join(" · ")),
        cell("stream-data", data === "{}" ? "" : data.slice(0, LONGEST_SUMMARY)),
      );
      eventOf.set(row, event);
      return row;
    }

    function choose(row) {
      if (!row) return;
      chosen?.removeAttribute("aria-current");
      chosen = row;
      row.setAttribute("aria-current", "true");
      detail.textContent = JSON.stringify(eventOf.get(row), null, 2);
    }

    function trim() {
      let surplus = rows.childElementCount - MOST_ROWS;
      while (surplus-- > 0) rows.firstElementChild.remove();
    }

    function schedule() {
      frame ||= requestAnimationFrame(draw);
    }

    function draw() {
      frame = 0;
      if (refill) lookThrough();
      const batch = pending.splice(0, MOST_A_FRAME);
      const fresh = document.createDocumentFragment();
      for (const event of batch) {
        kept.push(event);
        noteType(event.type);
        if (fits(event)) fresh.append(rowOf(event));
      }
      if (kept.length > 2 * MOST_KEPT) kept = kept.slice(-MOST_KEPT);
      if (fresh.childElementCount) {
        rows.append(fresh);
        trim();
        if (isFollowing) rows.scrollTop = rows.scrollHeight;
      }
      tellCounts();
      if (pending.length || refill) schedule();
    }

    // The rows of a new filter: from the latest kept event back, some in each frame, until the page is full.
    function lookThrough() {
      const found = [];
      let looked = 0;
      while (refill.place >= 0 && looked++ < LOOKED_THROUGH_A_FRAME && refill.found + found.length < MOST_ROWS && found.length < MOST_A_FRAME) {
        const event = refill.among[refill.place--];
        if (fits(event)) found.push(rowOf(event));
      }
      refill.found += found.length;
      rows.prepend(...found.reverse());
      if (isFollowing) rows.scrollTop = rows.scrollHeight;
      if (refill.place < 0 || refill.found >= MOST_ROWS) refill = null;
    }

    function drawAnew() {
      wanted = readFilters();
      rows.replaceChildren();
      isFollowing = true;
      refill = { among: kept, place: kept.length - 1, found: 0 };
      schedule();
    }

    function noteType(type) {
      if (types.has(type) || types.size >= MOST_TYPES) return;
      types.add(type);
      const option = document.createElement("option");
      option.value = type;
      part("stream-types").append(option);
    }

    let countsTimer = 0;
    function tellCounts() {
      countsTimer ||= setTimeout(() => {
        countsTimer = 0;
        const shown = rows.childElementCount;
        const lost = passedOver ? `, ${passedOver.toLocaleString("en")} passed over` : "";
        counts.textContent = `${shown.toLocaleString("en")} shown of ${kept.length.toLocaleString("en")}${lost}`;
        pauseButton.textContent = isPaused ? `Continue (${held.length.toLocaleString("en")} waiting)` : "Pause";
      }, COUNTS_EVERY_MS);
    }

    // -- what comes in ---------------------------------------------------------------------------------------

    function bounded(events) {
      const surplus = events.length - MOST_KEPT;
      if (surplus > 0) {
        events.splice(0, surplus);
        passedOver += surplus;
      }
    }

    function accept(events) {
      const fresh = events.filter((event) => !knownIds.has(event.id));
      for (const event of fresh) knownIds.add(event.id);
      const queue = isPaused ? held : pending;
      queue.push(...fresh);
      // A page in the background draws nothing, and holds no more for it.
      bounded(queue);
      if (knownIds.size > MOST_IDS) knownIds = new Set([...kept, ...pending, ...held].map((event) => event.id));
      if (isPaused) tellCounts();
      else schedule();
    }

    function arrived(events) {
      if (meanwhile) {
        meanwhile.push(...events);
        return;
      }
      // While a call is played again, what goes on is read anew afterwards.
      if (!isReplay) accept(events);
      dueMeasures(events);
    }

    // What was stored before the page was opened, or while the socket was lost.
    async function catchUp() {
      if (!eventsAddress || meanwhile || isReplay) return;
      meanwhile = [];
      try {
        for (let isAll = false; !isAll; ) {
          const answer = await fetch(`${eventsAddress}?after=${lastRow}`, { headers });
          if (!answer.ok || answer.redirected) {
            say(`The stored events could not be read (${answer.status}).`, "lost");
            break;
          }
          const page = await answer.json();
          lastRow = page.events.at(-1)?.row ?? lastRow;
          accept(page.events.sort((one, other) => one.at_ms - other.at_ms));
          isAll = page.is_all;
        }
      } catch {
        // The socket is lost as well, and says so; the page catches up when it is back.
      }
      const live = meanwhile;
      meanwhile = null;
      if (live.length) arrived(live);
    }

    // -- the socket ------------------------------------------------------------------------------------------

    let retryMs = FIRST_RETRY_MS;
    let watchTimer = 0;

    function say(words, state) {
      part("stream-state").textContent = words;
      section.dataset.state = state;
    }

    function connect() {
      const address = new URL(section.dataset.liveAddress, location.href);
      address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
      const socket = new WebSocket(address);
      let isWatching = false;
      const watch = () => socket.send(JSON.stringify({ kind: "watch", session: session ?? null, ai_debug: asksByDebug }));
      say("Connecting", "connecting");
      socket.addEventListener("open", () => {
        watch();
        watchTimer = setInterval(watch, WATCH_EVERY_MS);
      });
      socket.addEventListener("message", (message) => {
        const told = JSON.parse(message.data);
        if (told.kind === "events") arrived(told.events.map((event) => ({ ...event, session: told.session })));
        if (told.kind !== "watching" || isWatching) return;
        isWatching = true;
        retryMs = FIRST_RETRY_MS;
        say("Live", "live");
        catchUp();
      });
      socket.addEventListener("close", (event) => {
        clearInterval(watchTimer);
        if (event.code in REFUSED) {
          say(REFUSED[event.code], "refused");
          return;
        }
        // Not all panels at once after a restart of the server.
        const waitMs = retryMs * (0.5 + Math.random());
        say(`Connection lost; again in ${Math.ceil(waitMs / 1000)} s`, "lost");
        setTimeout(connect, waitMs);
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
      });
    }

    // -- figures ---------------------------------------------------------------------------------------------

    let measuresTimer = 0;
    let measuresAt = 0;

    function dueMeasures(events) {
      if (!measuresAddress) return;
      const ends = events.some((event) => ENDS_SOMETHING.has(event.type));
      if (!ends && !events.some((event) => event.type === "aisha.stats")) return;
      const at = performance.now() + (ends ? MEASURES_AFTER_MS : STATISTICS_AFTER_MS);
      if (measuresTimer && measuresAt <= at) return;
      clearTimeout(measuresTimer);
      measuresAt = at;
      measuresTimer = setTimeout(fetchMeasures, at - performance.now());
    }

    async function fetchMeasures() {
      measuresTimer = 0;
      try {
        const answer = await fetch(measuresAddress, { headers });
        if (answer.ok && !answer.redirected) offerMeasures(await answer.text());
      } catch {
        // The next end of a turn asks again.
      }
    }

    function offerMeasures(html) {
      const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-measures-part]");
      const shown = document.querySelector("[data-measures-part]");
      if (!fresh || !shown) return;
      // Nothing moves under the pointer: the next figures come when it has left.
      if (shown.matches(":hover") || shown.contains(document.activeElement)) {
        shown.addEventListener(shown.matches(":hover") ? "mouseleave" : "focusout", fetchMeasures, { once: true });
        return;
      }
      const open = [...shown.querySelectorAll("details")].map((details) => details.open);
      [...fresh.querySelectorAll("details")].forEach((details, place) => (details.open = open[place] ?? false));
      shown.replaceWith(fresh);
    }

    // -- what a person does ----------------------------------------------------------------------------------

    pauseButton.addEventListener("click", () => {
      isPaused = !isPaused;
      pauseButton.setAttribute("aria-pressed", String(isPaused));
      if (!isPaused) {
        pending.push(...held);
        held = [];
        schedule();
      }
      tellCounts();
    });
    part("clear").addEventListener("click", () => {
      kept = [];
      pending = [];
      passedOver = 0;
      drawAnew();
    });
    filters.addEventListener("input", drawAnew);
    filters.addEventListener("submit", (event) => event.preventDefault());
    rows.addEventListener("scroll", () => {
      isFollowing = rows.scrollHeight - rows.scrollTop - rows.clientHeight < 48;
    }, { passive: true });
    rows.addEventListener("click", (event) => choose(event.target.closest(".stream-row")));
    rows.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      const isDown = event.key === "ArrowDown";
      const from = chosen?.isConnected ? chosen : null;
      choose(from ? (isDown ? from.nextElementSibling : from.previousElementSibling) : isDown ? rows.firstElementChild : rows.lastElementChild);
      chosen?.scrollIntoView({ block: "nearest" });
    });
    // static/js/realtime/replay.js plays a call again: {isOn, isReset, events}.
    section.addEventListener("aisha:replay", ({ detail: told }) => {
      if (isReplay !== told.isOn || told.isReset) {
        kept = [];
        pending = [];
        held = [];
        knownIds = new Set();
        drawAnew();
      }
      const isOver = isReplay && !told.isOn;
      isReplay = told.isOn;
      accept(told.events);
      if (isOver) {
        lastRow = Number(section.dataset.firstRow ?? 0);
        catchUp();
      }
    });

    connect();
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const section of document.querySelectorAll("[data-stream]")) begin(section);
  });
})();
