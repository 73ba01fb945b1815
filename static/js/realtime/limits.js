// The limits of a call: its length, the silence in it, and what it costs. The person is warned before each; the server
// holds them, too.
//
//   reached    {reason, words}: the call is over
//   near       {limit, left_s}
(() => {
  "use strict";
  const { askRealtime: ask } = Aisha;
  // What the person is told of an end, where nobody says more of it.
  const ENDS = {
    hung_up: "The call has ended.",
    length_limit: "The call has reached its longest length.",
    idle_limit: "The call has ended, because nobody said anything.",
    cost_limit: "The call has reached its cost limit.",
    month_limit: "Your company's limit for calls this month is reached. You can type instead.",
    connection_lost: "The connection was lost and could not be made again.",
    provider: "The voice provider has ended the call.",
    failed: "The call could not be made.",
  };
  const COST_WARNED_USD = 0.2;
  // Others of the company may be talking, too.
  const MONTH_WARNED_USD = 0.5;
  const IDLE_WARNED_S = 20;

  class Limits {
    #on;
    #session = null;
    #endsAt = Infinity;
    #lastWordAt = 0;
    #warned = new Set();

    constructor(on) {
      this.#on = on;
    }

    // `session` is as the server tells it.
    begin(session) {
      this.#session = session;
      this.#endsAt = performance.now() + session.left_s * 1_000;
    }

    // Somebody says something at this moment.
    hear() {
      this.#lastWordAt = performance.now();
    }

    // `isSpeaking`: AiSHA answers, which is no silence.
    look(isSpeaking) {
      const left = Math.round((this.#endsAt - performance.now()) / 1_000);
      const silent = isSpeaking ? 0 : (performance.now() - this.#lastWordAt) / 1_000;
      const idleLeft = Math.round(this.#session.idle_s - silent);
      if (left <= 0) this.#on("reached", { reason: "length_limit" });
      else if (idleLeft <= 0) this.#on("reached", { reason: "idle_limit" });
      else {
        this.#warn("length", left, this.#session.warned_before_s);
        this.#warn("idle", idleLeft, Math.min(IDLE_WARNED_S, this.#session.idle_s / 3));
      }
    }

    // Of what a call costs, and of its end, the server knows.
    async askServer() {
      try {
        const told = await ask(`/realtime/sessions/${this.#session.id}`, { method: "GET" });
        if (told.state === "ended") this.#on("reached", { reason: "provider", words: "This call was ended." });
        else if (Number(told.left_usd) <= 0) this.#on("reached", { reason: "cost_limit" });
        else if (Number(told.left_usd_of_month) <= 0) this.#on("reached", { reason: "month_limit" });
        else if (Number(told.left_usd) <= COST_WARNED_USD) this.#warn("cost", 0, 0);
        else if (Number(told.left_usd_of_month) <= MONTH_WARNED_USD) this.#warn("month", 0, 0);
      } catch (error) {
        // Else it is asked again soon; the bridge holds the limits meanwhile.
        if (error.shutOut) this.#on("reached", { reason: "revoked", words: error.shutOut });
      }
    }

    #warn(limit, left, before) {
      if (left > before) this.#warned.delete(limit);
      else if (!this.#warned.has(limit)) {
        this.#warned.add(limit);
        this.#on("near", { limit, left_s: left });
      }
    }
  }

  Aisha.ENDS = ENDS;
  Aisha.Limits = Limits;
})();
