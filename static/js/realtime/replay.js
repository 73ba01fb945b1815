// A stored call, played again on the debug panel: its events at the pace at which they came, or faster.
(() => {
  "use strict";
  // More is in the export.
  const MOST_REPLAYED = 20_000;
  // What a moment of the scrubber shows of what came before it.
  const SHOWN_BEFORE = 500;

  function begin(section, controls) {
    const part = (name) => controls.querySelector(`[data-replay-${name}]`);
    const [play, scrubber, time, speed, leave] = ["play", "at", "time", "speed", "leave"].map(part);
    const headers = section.dataset.aiDebug !== undefined ? { "X-AI-Debug": "1" } : {};
    let events = null;
    let isCut = false;
    let isPlaying = false;
    let atMs = 0;
    let next = 0;
    let before = 0;

    const tell = (detail) => section.dispatchEvent(new CustomEvent("aisha:replay", { detail: { isOn: true, isReset: false, events: [], ...detail } }));

    async function load() {
      const found = [];
      for (let isAll = false, after = 0; !isAll && found.length < MOST_REPLAYED; ) {
        const answer = await fetch(`${section.dataset.events}?after=${after}`, { headers });
        if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
        const page = await answer.json();
        found.push(...page.events);
        after = page.events.at(-1)?.row ?? after;
        isAll = page.is_all;
        isCut = !isAll;
      }
      events = found.sort((one, other) => one.at_ms - other.at_ms || one.row - other.row);
      scrubber.max = String(Math.ceil(lastMs()));
      scrubber.disabled = events.length === 0;
    }

    const lastMs = () => events.at(-1)?.at_ms ?? 0;

    function clock(ms) {
      const s = ms / 1000;
      return `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;
    }

    function show() {
      scrubber.value = String(atMs);
      // Backwards, because a frame has no time for a copy of all that came.
      let latest = next - 1;
      while (latest >= 0 && !events[latest].turn) latest -= 1;
      const turn = events[latest]?.turn;
      const cut = isCut ? `; the first ${MOST_REPLAYED.toLocaleString("en")} events` : "";
      time.textContent = `${clock(Math.min(atMs, lastMs()))} of ${clock(lastMs())}${turn ? `, turn ${turn}` : ""}${cut}`;
      play.textContent = isPlaying ? "Stop" : atMs > 0 && atMs < lastMs() ? "Go on" : "Replay";
    }

    // The first event that has not come yet at a moment.
    function placeOf(ms) {
      let [low, high] = [0, events.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (events[middle].at_ms <= ms) low = middle + 1;
        else high = middle;
      }
      return low;
    }

    function step(now) {
      if (!isPlaying) return;
      // A page that was in the background goes on where it was.
      atMs += Math.min(now - before, 250) * Number(speed.value);
      before = now;
      const until = placeOf(atMs);
      if (until > next) tell({ events: events.slice(next, until) });
      next = until;
      if (next >= events.length) isPlaying = false;
      show();
      if (isPlaying) requestAnimationFrame(step);
    }

    function goTo(ms) {
      atMs = ms;
      next = placeOf(ms);
      tell({ isReset: true, events: events.slice(Math.max(0, next - SHOWN_BEFORE), next) });
    }

    play.addEventListener("click", async () => {
      if (isPlaying) {
        isPlaying = false;
        show();
        return;
      }
      if (!events) {
        play.setAttribute("aria-busy", "true");
        try {
          await load();
        } catch (error) {
          time.textContent = `The stored events could not be read (${error.message}). Try again.`;
          return;
        } finally {
          play.removeAttribute("aria-busy");
        }
      }
      if (events.length === 0) {
        time.textContent = "Nothing is stored of this call.";
        events = null;
        return;
      }
      leave.hidden = false;
      if (next === 0 || next >= events.length) goTo(0);
      isPlaying = true;
      before = performance.now();
      show();
      requestAnimationFrame(step);
    });
    scrubber.addEventListener("input", () => {
      goTo(Number(scrubber.value));
      show();
    });
    leave.addEventListener("click", () => {
      isPlaying = false;
      events = null;
      atMs = next = 0;
      scrubber.value = "0";
      scrubber.disabled = true;
      time.textContent = "";
      play.textContent = "Replay";
      play.focus();
      leave.hidden = true;
      tell({ isOn: false });
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    const section = document.querySelector("[data-stream]");
    const controls = section?.querySelector("[data-replay]");
    if (controls) begin(section, controls);
  });
})();
