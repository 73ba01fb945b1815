// The tools that the model calls: each call is brought to the bridge, and what it answered to the model. A call is
// remembered until the model has gone on with its answer, over drops, too.
(() => {
  "use strict";
  const { askRealtime: ask } = Aisha;
  const MOST_AT_ONCE = 4;
  const MOST_TRIES = 4;
  const FIRST_RETRY_MS = 500;
  // After so many rounds without a word the model has to speak.
  const MOST_ROUNDS = 8;

  class Tools {
    #call;
    // By their id: {call, turn, connection, answer, asking, isTold}.
    #pending = new Map();
    #handled = new Set();
    #rounds = 0;

    // `call` has: session, turn, connection, isLive, mayGoOn(turn), send(event), note(type, data, more),
    // askForAnswer(response), propose(suggestion, title), isOver(error).
    constructor(call) {
      this.#call = call;
    }

    get isAnyPending() {
      return this.#pending.size > 0;
    }

    beginTurn() {
      this.#rounds = 0;
    }

    // An answer of the model's is whole: what it was told before it has gone on with. Calls what it wants to call now.
    take(output) {
      for (const [id, { isTold }] of this.#pending) if (isTold) this.#pending.delete(id);
      const calls = output.filter((item) => item.type === "function_call" && item.status !== "incomplete" && !this.#handled.has(item.call_id));
      if (!calls.length) return;
      const { turn, connection } = this.#call;
      for (const { call_id, name, arguments: given } of calls) {
        this.#handled.add(call_id);
        this.#pending.set(call_id, { call: { call_id, name, arguments: given ?? "" }, turn, connection });
      }
      this.#rounds += 1;
      this.run();
    }

    // Calls what is to be called, and lets the model go on with what was found.
    async run() {
      const { turn } = this.#call;
      const waiting = [...this.#pending.values()].filter(({ isTold }) => !isTold);
      const work = async () => {
        for (let one = waiting.shift(); one; one = waiting.shift()) await this.#bring(one);
      };
      await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, waiting.length) }, work));
      // Somebody spoke meanwhile: what they said is answered, with what was found.
      if (!this.#call.mayGoOn(turn)) return;
      if ([...this.#pending.values()].some(({ isTold }) => !isTold)) return;
      this.#call.askForAnswer(this.#rounds >= MOST_ROUNDS ? { tool_choice: "none" } : undefined);
    }

    // On a new connection nothing has been told yet.
    forgetWhatWasTold() {
      for (const one of this.#pending.values()) one.isTold = false;
    }

    // What the next page goes on with.
    left() {
      return [...this.#pending.values()].map(({ call, turn }) => ({ call, turn }));
    }

    goOn(left) {
      for (const { call, turn } of left) this.#pending.set(call.call_id, { call, turn });
    }

    async #bring(one) {
      if (!one.answer) await (one.asking ??= this.#ask(one).finally(() => (one.asking = null)));
      const { connection } = this.#call;
      if (!one.answer || one.isTold || !connection?.isOpen) return;
      // The provider's session is a new one after a drop, and knows nothing of the call.
      if (one.connection !== connection) this.#call.send({ type: "conversation.item.create", item: { type: "function_call", ...one.call } });
      one.connection = connection;
      one.isTold = true;
      this.#call.send({ type: "conversation.item.create", item: { type: "function_call_output", call_id: one.call.call_id, output: JSON.stringify(one.answer.output) } });
    }

    // The bridge knows a call by its id: asked again, it answers as before, and does nothing twice.
    async #ask(one) {
      const { call, turn } = one;
      const began = performance.now();
      const about = { call_id: call.call_id, tool: call.name };
      this.#call.note("aisha.tool_call", about, { direction: "out", turn, size: call.arguments.length });
      for (let tries = 1; !one.answer; tries += 1) {
        try {
          one.answer = await ask("/realtime/tools", { body: { session_id: this.#call.session, ...call } });
        } catch (error) {
          this.#call.heed(error);
          // Where the connection is lost as well, it is asked again once there is a new one.
          if (error.isPassing && !this.#call.isLive) return;
          if (error.isPassing && tries < MOST_TRIES) await new Promise((resolve) => setTimeout(resolve, FIRST_RETRY_MS * 2 ** tries));
          else one.answer = { status: "refused", code: error.code, output: { refused: error.code, message: error.message }, suggestion_id: null };
        }
      }
      const { answer } = one;
      const told = { ...about, ms: performance.now() - began, status: answer.status, code: answer.code };
      this.#call.note("aisha.tool_result", told, { direction: "in", turn, size: JSON.stringify(answer.output).length });
      if (answer.suggestion_id) this.#call.propose({ suggestion: answer.suggestion_id, title: answer.output.proposed });
    }
  }

  Aisha.Tools = Tools;
})();
