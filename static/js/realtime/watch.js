// What is looked at while a call goes on, by the clock: whether a limit is near, whether the machine was asleep, and how
// good the connection is.
(() => {
  "use strict";
  const LOOK_MS = 1_000;
  const STATS_MS = 2_000;
  const ASK_LEFT_MS = 20_000;
  const POOR = "The connection is poor, and AiSHA may be hard to hear. What is said is written here, too.";

  class Watch {
    #call;
    #timers = [];
    #lastLook = 0;
    #told = null;

    // `call` has: isLive, isSpeaking, connection, limits, lose(reason), note(type, data), notice(words).
    constructor(call) {
      this.#call = call;
    }

    // A connection is there; called for each.
    begin() {
      this.#lastLook = Date.now();
      if (this.#timers.length) return;
      this.#timers = [setInterval(() => this.#look(), LOOK_MS), setInterval(() => this.#measure(), STATS_MS), setInterval(() => this.#askWhatIsLeft(), ASK_LEFT_MS)];
    }

    end() {
      for (const timer of this.#timers) clearInterval(timer);
    }

    #look() {
      const now = Date.now();
      const wasAsleep = now - this.#lastLook > 10 * LOOK_MS;
      this.#lastLook = now;
      if (!this.#call.isLive) return;
      if (wasAsleep && this.#call.connection?.state !== "connected") this.#call.lose("asleep");
      else this.#call.limits.look(this.#call.isSpeaking);
    }

    async #measure() {
      const { connection } = this.#call;
      if (connection?.state !== "connected") return;
      this.#call.note("aisha.stats", await connection.statistics.measure());
      // Told once of a connection, whatever becomes of it.
      if (!connection.statistics.isPoor || this.#told === connection || !this.#call.isLive) return;
      this.#told = connection;
      this.#call.notice(POOR);
    }

    #askWhatIsLeft() {
      if (this.#call.isLive) this.#call.limits.askServer();
    }
  }

  Aisha.Watch = Watch;
})();
