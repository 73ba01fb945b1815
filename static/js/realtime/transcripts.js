// What was said in a call, brought to the person's thread: each item until it is kept, or refused for good. The server
// knows an item by its id, so that one which is told twice stands there once.
(() => {
  "use strict";
  const PATH = "/realtime/transcripts";
  const FIRST_RETRY_MS = 500;
  const LAST_RETRY_MS = 15_000;
  // A server that is away for longer has lost more than a line.
  const MOST_TRIES = 40;

  class Transcripts {
    #waiting = new Map();
    #isSending = false;
    #hurry = null;
    #afterwards = [];
    #heed;

    // `heed(error)` is told why a line is refused for good.
    constructor(heed) {
      this.#heed = heed;
      addEventListener("pagehide", () => this.#sendAll());
    }

    keep(line) {
      this.#waiting.set(line.item, line);
      this.#send();
    }

    // The call is over: nothing waits for its time any more. Calls back once all is settled.
    settle(afterwards) {
      this.#afterwards.push(afterwards);
      this.#hurry?.();
      this.#tellWhenSettled();
    }

    async #send() {
      if (this.#isSending) return;
      this.#isSending = true;
      let tries = 0;
      for (let retryMs = FIRST_RETRY_MS; this.#waiting.size; ) {
        const [item, line] = this.#waiting.entries().next().value;
        let error = null;
        await Aisha.askRealtime(PATH, { body: line }).catch((failed) => (error = failed));
        if (error?.isPassing && (tries += 1) < MOST_TRIES) {
          await this.#wait(Math.max(retryMs * (0.5 + Math.random() / 2), 1_000 * error.retryAfterS));
          retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
          continue;
        }
        // More of the same item may have come meanwhile.
        if (this.#waiting.get(item) === line) this.#waiting.delete(item);
        if (error) this.#heed(error);
        else [tries, retryMs] = [0, FIRST_RETRY_MS];
      }
      this.#isSending = false;
      this.#tellWhenSettled();
    }

    async #wait(ms) {
      await new Promise((resolve) => {
        this.#hurry = resolve;
        setTimeout(resolve, ms);
      });
      this.#hurry = null;
    }

    #tellWhenSettled() {
      if (this.#isSending || this.#waiting.size) return;
      for (const tell of this.#afterwards.splice(0)) tell();
    }

    // The page goes: what is not known to be kept is sent once more, without waiting for an answer.
    #sendAll() {
      for (const line of this.#waiting.values()) Aisha.askRealtime(PATH, { body: line, isLast: true }).catch(() => {});
    }
  }

  Aisha.Transcripts = Transcripts;
})();
