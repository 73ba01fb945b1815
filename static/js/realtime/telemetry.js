// What happens on a call, told to the server in batches: each event once, without words unless the company keeps
// them, and never faster than it is taken. docs/realtime.md has the schema.
(() => {
  "use strict";
  const VERSION = 1;
  const PATH = "/realtime/telemetry";
  const FLUSH_MS = 1_000;
  // There are networks that let no socket through: without one for so long batches are posted, more seldom.
  const POSTED_AFTER_MS = 10_000;
  const POST_EVERY_MS = 5_000;
  const MOST_IN_A_BATCH = 500;
  // A browser takes 64 KiB with a page that goes; an event has some 400 bytes.
  const MOST_IN_A_BEACON = 60;
  // Beyond this what comes in floods is left out, beyond twice as much everything.
  const MOST_WAITING = 2_000;
  const FIRST_RETRY_MS = 500;
  const LAST_RETRY_MS = 15_000;
  // Refused for good: signed out, not allowed, or not a batch.
  const REFUSED = new Set([4401, 4403, 4409]);
  const PLENTIFUL = new Set([
    "response.output_audio_transcript.delta", "response.output_text.delta", "response.output_audio.delta",
    "response.function_call_arguments.delta", "conversation.item.input_audio_transcription.delta", "aisha.stats",
  ]);
  // Members that hold no words; apps/realtime/redaction.py asks the same again.
  const PLAIN = new Set([
    "ms", "status", "code", "state", "call_id", "tool", "name", "rtt_ms", "jitter_ms", "lost", "received",
    "bitrate_in_bps", "bitrate_out_bps", "reason", "attempt", "wait_ms", "ok", "on", "kind", "limit", "left_s",
    "count", "why", "usage", "total_tokens", "input_tokens", "output_tokens", "input_token_details",
    "output_token_details", "text_tokens", "audio_tokens", "cached_tokens", "type", "event_id", "item_id",
    "response_id", "previous_item_id", "output_index", "content_index", "role", "audio_start_ms", "audio_end_ms",
    "call",
  ]);
  const LONGEST_WORDS = 500;
  const WORDS = ["transcript", "text", "delta", "arguments"];

  function withoutWords(data) {
    const kept = {};
    for (const [name, value] of Object.entries(data)) {
      if (!PLAIN.has(name)) continue;
      if (value === null || typeof value !== "object") kept[name] = value;
      else if (!Array.isArray(value)) kept[name] = withoutWords(value);
    }
    return kept;
  }

  // The part of one of the provider's events that is told: flat, and of its response what ended it and what it cost.
  function gist(event, keepsTexts) {
    const response = event.response ?? {};
    const flat = { ...event, ...event.item && { item_id: event.item.id, kind: event.item.type, role: event.item.role, name: event.item.name, call_id: event.item.call_id } };
    if (event.response) Object.assign(flat, { response_id: response.id, status: response.status, usage: response.usage, reason: response.status_details?.reason });
    if (event.error) Object.assign(flat, { code: event.error.code ?? event.error.type });
    const data = withoutWords(flat);
    for (const name of ["type", "event_id"]) delete data[name];
    for (const name of WORDS) {
      if (typeof event[name] !== "string") continue;
      // By signs, not by their halves: half of one is no text.
      if (keepsTexts) data[name] = [...event[name]].slice(0, LONGEST_WORDS).join("");
      else data.characters = (data.characters ?? 0) + event[name].length;
    }
    return data;
  }

  class Telemetry {
    #waiting = [];
    #before = [];
    #leftOut = 0;
    #inFlight = null;
    #batch = 0;
    #socket = null;
    #retryMs = FIRST_RETRY_MS;
    #restsUntil = 0;
    // Since when there is no socket; whether the server wants no more of this page; what is being posted.
    #aloneSince = 0;
    #isRefused = false;
    #posted = null;
    #isClosed = false;
    #timer = 0;

    // `began` is performance.now() when the token was asked for; of a call of the page before it is below 0.
    constructor(began) {
      this.began = began;
      this.session = "";
      this.keepsTexts = false;
      this.onEnded = () => {};
      this.onRefused = () => {};
      this.onGone = () => this.#flushByBeacon();
      addEventListener("pagehide", this.onGone);
    }

    // Once the session is known what was noted before is told, too.
    open(session, keepsTexts) {
      this.session = session;
      this.keepsTexts = keepsTexts;
      if (this.#timer) return;
      this.#aloneSince = performance.now();
      this.#connect();
      this.#timer = setInterval(() => this.#flush(), FLUSH_MS);
    }

    // Milliseconds since the token was asked for.
    now() {
      return Math.max(0, performance.now() - this.began);
    }

    note(type, data = {}, { direction = "local", turn = null, size = 0, origin = "realtime" } = {}) {
      const isFull = this.#waiting.length >= MOST_WAITING;
      if ((isFull && PLENTIFUL.has(type)) || this.#waiting.length >= 2 * MOST_WAITING) {
        this.#leftOut += 1;
        return;
      }
      this.#waiting.push({
        v: VERSION,
        id: crypto.randomUUID(),
        at_ms: this.now(),
        at: new Date().toISOString(),
        direction,
        type,
        origin,
        turn,
        size_bytes: size,
        data,
      });
    }

    noteProvider(event, direction, { turn, origin, size }) {
      this.note(String(event.type ?? "unknown").slice(0, 80), gist(event, this.keepsTexts), { direction, turn, origin, size });
    }

    // Tells what is left, and takes nothing more: by a beacon where the page goes, because a socket may not send it
    // any more.
    close({ withPage = false } = {}) {
      this.#isClosed = true;
      clearInterval(this.#timer);
      removeEventListener("pagehide", this.onGone);
      if (!withPage && this.#socket?.readyState === WebSocket.OPEN) {
        // What was sent before is stored once, and the socket closes behind all of this.
        for (let batch = this.#next(MOST_IN_A_BATCH); batch; batch = this.#next(MOST_IN_A_BATCH)) this.#socket.send(JSON.stringify(batch));
      } else this.#flushByBeacon();
      this.#socket?.close();
    }

    #connect() {
      if (this.#isClosed) return;
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      const socket = new WebSocket(`${scheme}//${location.host}/live/realtime/`);
      this.#socket = socket;
      socket.onopen = () => {
        this.#aloneSince = Infinity;
        this.#retryMs = FIRST_RETRY_MS;
        this.#flush();
      };
      socket.onmessage = (message) => this.#hear(JSON.parse(message.data));
      socket.onclose = (closed) => {
        this.#isRefused = REFUSED.has(closed.code);
        if (this.#isRefused && !this.#isClosed) this.onRefused();
        if (this.#isClosed || this.#isRefused) return;
        this.#aloneSince = Math.min(this.#aloneSince, performance.now());
        // What was not taken is told again; the server knows each event by its id.
        if (this.#inFlight) this.#before.unshift(this.#inFlight);
        this.#inFlight = null;
        setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
        this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
      };
    }

    #hear(message) {
      if (message.kind !== "taken" && message.kind !== "refused") return;
      if (!this.#inFlight || (message.batch ?? this.#inFlight.batch) !== this.#inFlight.batch) return;
      // A batch that is refused is not sent again, and missed as what was left out.
      if (message.kind === "refused") this.#leftOut += this.#inFlight.events.length;
      this.#inFlight = null;
      this.#heed(message);
      if (this.#waiting.length >= MOST_IN_A_BATCH) this.#flush();
    }

    #heed({ ended = null, rest_ms = 0 }) {
      // The server has ended the call, and says why.
      if (ended && !this.#isClosed) this.onEnded(ended);
      this.#restsUntil = performance.now() + rest_ms;
    }

    async #post(batch) {
      this.#posted = batch;
      try {
        const answer = await Aisha.askRealtime(PATH, { body: { batch: JSON.stringify(batch) } });
        this.#heed({ ...answer, rest_ms: Math.max(answer.rest_ms, POST_EVERY_MS) });
      } catch (error) {
        // What a page tells while it goes it has told with the rest.
        if (this.#posted && error.isPassing && error.code !== "session_over") this.#before.unshift(batch);
        else this.#leftOut += batch.events.length;
        this.#restsUntil = performance.now() + POST_EVERY_MS;
      }
      this.#posted = null;
    }

    #next(most) {
      if (this.#before.length) return this.#before.shift();
      if (!this.#waiting.length && !this.#leftOut) return null;
      const batch = { kind: "events", session: this.session, batch: (this.#batch += 1), left_out: this.#leftOut, events: this.#waiting.splice(0, most) };
      this.#leftOut = 0;
      return batch;
    }

    #flush() {
      if (this.#inFlight || this.#posted || performance.now() < this.#restsUntil) return;
      const isOpen = this.#socket?.readyState === WebSocket.OPEN;
      if (!isOpen && (this.#isRefused || performance.now() - this.#aloneSince < POSTED_AFTER_MS)) return;
      const batch = this.#next(MOST_IN_A_BATCH);
      if (!batch) return;
      if (!isOpen) {
        this.#post(batch);
        return;
      }
      this.#inFlight = batch;
      this.#socket.send(JSON.stringify(batch));
    }

    // What says most comes first: how it ended, and what it cost.
    #flushByBeacon() {
      if (!this.session) return;
      const told = [this.#inFlight, this.#posted, ...this.#before].filter(Boolean).flatMap((batch) => batch.events).concat(this.#waiting);
      this.#inFlight = this.#posted = null;
      this.#before = [];
      this.#waiting = [...told.filter(({ type }) => !PLENTIFUL.has(type)), ...told.filter(({ type }) => PLENTIFUL.has(type))];
      for (let batch = this.#next(MOST_IN_A_BEACON); batch; batch = this.#next(MOST_IN_A_BEACON)) {
        const form = new FormData();
        form.append("csrfmiddlewaretoken", Aisha.csrfToken());
        form.append("batch", JSON.stringify(batch));
        if (!navigator.sendBeacon(`/api/ai${PATH}`, form)) break;
      }
    }
  }

  window.Aisha = window.Aisha ?? {};
  Aisha.csrfToken = () => JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
  Aisha.Telemetry = Telemetry;
})();
