// The turns of a conversation: each begins with what the person says, spoken or typed.
(() => {
  "use strict";

  class Turns {
    #ofResponse = new Map();
    #ofItem = new Map();
    #typed = new Set();
    // 0 before anybody has said anything.
    now = 0;

    begin({ isTyped = false } = {}) {
      this.now += 1;
      if (isTyped) this.#typed.add(this.now);
    }

    // Those of the page before go on here.
    goOn(turn, isTyped) {
      this.now = turn;
      if (isTyped) this.#typed.add(turn);
    }

    // What comes late belongs to the turn that it is an answer to, or the transcript of.
    of(event) {
      const response = event.response_id ?? event.response?.id;
      const item = event.item_id ?? event.item?.id;
      const [known, id] = response ? [this.#ofResponse, response] : [this.#ofItem, item];
      if (!id) return this.now;
      if (!known.has(id)) known.set(id, this.now);
      return known.get(id);
    }

    // What follows from typed words is told apart from what was spoken.
    originOf(turn) {
      return this.isTyped(turn) ? "typed" : "realtime";
    }

    isTyped(turn) {
      return this.#typed.has(turn);
    }
  }

  Aisha.Turns = Turns;
})();
