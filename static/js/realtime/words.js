// What is said in a call: shown as captions, brought to the thread, and remembered for a connection that is made anew.
// The thread and the captions have the order of the conversation: what is written down late stands where it was said.
//
//   caption    {speaker, item, at, text, isWhole}
//   kept       the thread has everything that was said
(() => {
  "use strict";
  const REMEMBERED_ITEMS = 2_000;
  const REMEMBERED_WORDS = 12;
  const LONGEST_LINE = 20_000;

  class Words {
    #on;
    #now;
    #turnOf;
    #transcripts;
    // When each item was begun to be said, and what the assistant is saying.
    #beganAt = new Map();
    #saying = new Map();
    // {speaker, item, text, at, turn}, in the order in which it became known.
    #said = [];

    // `now()` is the clock of the call, `turnOf(item)` the turn that an item belongs to; `heed(error)` is told why
    // something is not kept.
    constructor({ on, now, turnOf, heed }) {
      this.#transcripts = new Aisha.Transcripts(heed);
      this.#on = on;
      this.#now = now;
      this.#turnOf = turnOf;
      this.session = "";
    }

    begin(item, at = this.#now()) {
      if (!item || this.#beganAt.has(item)) return;
      this.#beganAt.set(item, at);
      if (this.#beganAt.size > REMEMBERED_ITEMS) this.#beganAt.delete(this.#beganAt.keys().next().value);
    }

    // A piece of what the assistant is saying.
    add(item, piece) {
      this.#saying.set(item, (this.#saying.get(item) ?? "") + piece);
      this.show("assistant", item, piece, false);
    }

    show(speaker, item, text, isWhole = true) {
      this.begin(item);
      if (text) this.#on("caption", { speaker, item, at: this.#beganAt.get(item) ?? this.#now(), text, isWhole });
    }

    keep(speaker, item, text, { state = "whole", isTyped = false } = {}) {
      if (speaker === "assistant") this.#saying.delete(item);
      if (!text.trim() || !item) return;
      this.begin(item);
      const at = this.#beganAt.get(item);
      this.#said.push({ speaker, item, text, at, turn: this.#turnOf(item) });
      this.#transcripts.keep({ session_id: this.session, item, speaker, text: text.slice(0, LONGEST_LINE), state, is_typed: isTyped, at_ms: at });
    }

    // Whoever hangs up in the middle of an answer has heard that much of it.
    keepWhatIsBeingSaid() {
      for (const [item, text] of [...this.#saying]) this.keep("assistant", item, text, { state: "cut_short" });
    }

    latest() {
      return this.#said.toSorted((one, other) => one.at - other.at).slice(-REMEMBERED_WORDS);
    }

    isWrittenDown(turn) {
      return this.#said.some((one) => one.speaker === "person" && one.turn === turn);
    }

    // Those of the page before go on here.
    goOn(said) {
      this.#said = said;
      for (const { speaker, item, text, at } of said) {
        this.#beganAt.set(item, at);
        this.show(speaker, item, text);
      }
    }

    settle() {
      this.#transcripts.settle(() => this.#on("kept", {}));
    }
  }

  Aisha.Words = Words;
})();
