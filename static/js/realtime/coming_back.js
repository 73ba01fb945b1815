// The way back after a connection was lost: how often and until when it is tried, and what the person was left without.
(() => {
  "use strict";
  const FIRST_RETRY_MS = 500;
  const LAST_RETRY_MS = 8_000;
  // The server lets a call go on for a minute after it was lost.
  const GRACE_MS = 60_000;
  // An answer that never comes through is asked for no more often, of one turn.
  const MOST_ASKED_AGAIN = 3;

  class ComingBack {
    #lostAt = 0;
    #retryMs = FIRST_RETRY_MS;
    // Nothing, an answer, or the words that the person said.
    #missing = "";
    #askedAgain = 0;
    attempt = 0;

    get isOnTheWay() {
      return this.#lostAt > 0;
    }

    get isTooLate() {
      return performance.now() - this.#lostAt > GRACE_MS;
    }

    begin() {
      this.#lostAt = performance.now();
    }

    // How long to wait before the next attempt, which begins with this.
    next({ isAtOnce }) {
      this.attempt += 1;
      if (isAtOnce) return 0;
      const waitMs = this.#retryMs * (1 + Math.random() / 2);
      this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
      return waitMs;
    }

    slowDown(leastMs) {
      this.#retryMs = Math.max(this.#retryMs, leastMs);
    }

    // Connected again. Returns what is missing.
    arrive() {
      const missing = this.#missing;
      this.#lostAt = 0;
      this.attempt = 0;
      this.#retryMs = FIRST_RETRY_MS;
      this.#missing = "";
      return missing;
    }

    // What was spoken and is not written down yet the new connection cannot be told.
    noteWhatIsMissing({ isAnswering, isUnwritten, isPersonLast }) {
      if (isAnswering && isUnwritten) this.#missing = "words";
      else this.#missing = isAnswering || isPersonLast ? "answer" : "";
    }

    beginTurn() {
      this.#askedAgain = 0;
    }

    // Whether an answer is to be asked for once more.
    asksAgain() {
      if (this.#askedAgain >= MOST_ASKED_AGAIN) return false;
      this.#askedAgain += 1;
      return true;
    }

    left() {
      const lostForMs = this.#lostAt ? performance.now() - this.#lostAt : 0;
      return { until: Date.now() + GRACE_MS - lostForMs, missing: this.#missing, askedAgain: this.#askedAgain };
    }

    goOn({ missing, askedAgain }) {
      this.#missing = missing;
      this.#askedAgain = askedAgain;
      this.begin();
    }
  }

  Aisha.ComingBack = ComingBack;
})();
