// What the provider tells of a call, and what it is asked for: who is speaking, what was said, and what goes wrong.
//
//   heard      {event, turn, size}: one of the provider's events, each once
//   noticed    {words, isOfSilence}: a trouble that the call goes on with
//   answers    an answer has begun
//   expired    the provider's session is at its end
(() => {
  "use strict";
  const REMEMBERED_EVENTS = 2_000;
  // What the provider says of its troubles is for developers; the person is told what they can do.
  const UNANSWERED = "AiSHA could not answer this. Say it again, or hang up and type instead.";
  const OUT_OF_QUOTA = "The voice provider’s quota is used up. Hang up and type instead.";
  const CUT_SHORT = "The answer was cut short. Ask AiSHA to go on.";
  const NOT_WRITTEN_DOWN = "What you said could not be written down, and is missing in the conversation.";
  const FAULT = "The voice provider reported a fault. If no answer comes, say it again.";
  const NOTHING_HEARD = "Nothing was heard. Hold the button for as long as you speak.";
  // Two sides that speak at once: an answer that is to be stopped has ended, or one is on its way already.
  const HARMLESS = new Set(["response_cancel_not_active", "conversation_already_has_active_response"]);
  const UNFINISHED = new Set(["cancelled", "incomplete", "failed"]);

  class Dialogue {
    #on;
    #call;
    #seen = new Set();
    #isAsked = false;
    // Whether an answer is asked for as soon as the provider has what was said.
    #isCommitting = false;
    #isResponding = false;
    #isSounding = false;

    // `call` has: turns, words, tools, limits, beginTurn(), bargeIn(), send(event), heldSince (undefined where nobody
    // holds a button).
    constructor(on, call) {
      this.#on = on;
      this.#call = call;
    }

    // An answer is on its way, or was asked for.
    get isAnswering() {
      return this.#isResponding || this.#isAsked || this.#isCommitting;
    }

    get isSpeaking() {
      return this.#isResponding || this.#isSounding;
    }

    // A new connection knows nothing of what was under way on the one before.
    reset() {
      this.#isResponding = this.#isSounding = this.#isAsked = this.#isCommitting = false;
    }

    // A new session of the provider's is told what was said before.
    remind(lines) {
      for (const { speaker, text } of lines) {
        const isPerson = speaker === "person";
        this.#create({ role: isPerson ? "user" : "assistant", content: [{ type: isPerson ? "input_text" : "output_text", text }] });
      }
    }

    // Typed words are answered like spoken ones.
    tell(id, text) {
      this.#create({ id, role: "user", content: [{ type: "input_text", text }] });
      this.askForAnswer();
    }

    // Where a button is held, its holder says when a turn is over.
    detectTurns(isHeld) {
      const detection = isHeld ? null : { type: "server_vad", interrupt_response: true };
      this.#call.send({ type: "session.update", session: { type: "realtime", audio: { input: { turn_detection: detection } } } });
    }

    // The button was let go. Where the provider has heard nothing there is nothing to answer.
    commit() {
      this.#isCommitting = true;
      this.#call.send({ type: "input_audio_buffer.commit" });
    }

    askForAnswer(response) {
      this.#isAsked = true;
      this.#call.send({ type: "response.create", ...(response && { response }) });
    }

    interrupt() {
      // What is said next is answered together with it.
      this.#isCommitting = false;
      if (!this.isSpeaking) return;
      this.#call.bargeIn();
      if (this.#isResponding) this.#call.send({ type: "response.cancel" });
      this.#call.send({ type: "output_audio_buffer.clear" });
    }

    hear(text) {
      let event;
      try {
        event = JSON.parse(text);
      } catch {
        return;
      }
      if (event.event_id) {
        if (this.#seen.has(event.event_id)) return;
        this.#seen.add(event.event_id);
        if (this.#seen.size > REMEMBERED_EVENTS) this.#seen.delete(this.#seen.values().next().value);
      }
      if (event.type === "input_audio_buffer.speech_started") {
        this.#call.words.begin(event.item_id);
        if (this.#isSounding) this.#call.bargeIn();
        this.#call.beginTurn();
      }
      this.#on("heard", { event, turn: this.#call.turns.of(event), size: text.length });
      this.#handle(event);
    }

    #handle(event) {
      const { words, limits } = this.#call;
      switch (event.type) {
        case "input_audio_buffer.committed":
          // Of a button that was held: the provider says nothing of when speech began.
          words.begin(event.item_id, this.#call.heldSince);
          if (this.#isCommitting) this.askForAnswer();
          this.#isCommitting = false;
          break;
        case "response.output_item.added":
          if (event.item?.type === "message") words.begin(event.item.id);
          break;
        case "conversation.item.input_audio_transcription.completed":
          words.show("person", event.item_id, event.transcript ?? "");
          words.keep("person", event.item_id, event.transcript ?? "");
          break;
        case "conversation.item.input_audio_transcription.failed":
          this.#notice(NOT_WRITTEN_DOWN);
          break;
        case "response.created":
          this.#isResponding = true;
          this.#isAsked = false;
          this.#on("answers");
          break;
        case "response.output_audio_transcript.delta":
        case "response.output_text.delta":
          limits.hear();
          words.add(event.item_id, event.delta ?? "");
          break;
        case "response.output_audio_transcript.done":
        case "response.output_text.done":
          words.show("assistant", event.item_id, event.transcript ?? event.text ?? "");
          break;
        case "output_audio_buffer.started":
          this.#isSounding = true;
          break;
        case "output_audio_buffer.stopped":
        case "output_audio_buffer.cleared":
          this.#isSounding = false;
          limits.hear();
          break;
        case "response.done":
          this.#isResponding = false;
          this.#finish(event.response ?? {});
          break;
        case "error":
          this.#isAsked = false;
          if (event.error?.code === "session_expired") this.#on("expired");
          else if (event.error?.code === "input_audio_buffer_commit_empty") {
            this.#isCommitting = false;
            this.#notice(NOTHING_HEARD, { isOfSilence: true });
          } else if (!HARMLESS.has(event.error?.code)) this.#notice(FAULT);
          break;
      }
    }

    // What was said is kept in the thread, and what the model wants to call is called.
    #finish(response) {
      const output = response.output ?? [];
      for (const item of output) {
        if (item.type !== "message") continue;
        const text = (item.content ?? []).map((part) => part.transcript ?? part.text ?? "").join("");
        this.#call.words.keep("assistant", item.id, text, UNFINISHED.has(response.status) ? { state: "cut_short" } : {});
      }
      if (response.status === "failed") {
        const { code, type } = response.status_details?.error ?? {};
        this.#notice([code, type].includes("insufficient_quota") ? OUT_OF_QUOTA : UNANSWERED);
      }
      if (response.status === "cancelled" || response.status === "failed") return;
      if (response.status === "incomplete") this.#notice(CUT_SHORT);
      this.#call.tools.take(output);
    }

    #create(message) {
      this.#call.send({ type: "conversation.item.create", item: { type: "message", ...message } });
    }

    #notice(words, { isOfSilence = false } = {}) {
      this.#on("noticed", { words, isOfSilence });
    }
  }

  Aisha.Dialogue = Dialogue;
})();
