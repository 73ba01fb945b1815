// A call with the voice provider: token, connection, the events of its data channel, and coming back after a drop, or
// on the next page of the tab. Its parts have files of their own: line, sound, connection, coming_back, turns, words,
// tools, dialogue, limits, telemetry. It knows nothing of the page: whoever makes one is told by `on(name, detail)`.
//
//   state      asking, connecting, live, lost, ended; with words for the person
//   session    {conversation, isNew}: which conversation the call belongs to; not new where the call goes on
//   caption    {speaker, item, at, text, isWhole}: what was begun to be said at that moment of the call
//   kept       the thread has everything that was said
//   proposed   {suggestion}
//   warned     {limit, left_s}
//   devices    {microphones, loudspeakers}: those there are, and which of them is used
//   noticed    {words, isOfSilence}: a trouble that the call goes on with
//   spoken     {words}: what warned of silence is over; words for the person
(() => {
  "use strict";
  const { CallError, ENDS, askForToken, askRealtime: ask } = Aisha;
  // ICE mends short drops by itself.
  const PATIENCE_MS = 4_000;
  // The page before lets go of the line while this one begins.
  const LINE_WITHIN_MS = 5_000;
  const UNDER_WAY = new Set(["connecting", "live", "lost"]);
  // Who asks again is told the same.
  const OVER = new Set(["session_over", "session_not_found", "module_off", "permission_denied", "not_authenticated", "cost_limit"]);
  const RETURNING = "Coming back to your call…";

  class Call {
    #line = new Aisha.Line();
    #comingBack = new Aisha.ComingBack();
    #turns = new Aisha.Turns();
    #words = new Aisha.Words({ on: (name, detail) => this.on(name, detail), now: () => this.#telemetry.now(), turnOf: (item) => this.#turns.of({ item_id: item }), heed: (error) => this.#heedRefusal(error) });
    #tools = new Aisha.Tools(this.#asToolsSeeIt());
    #limits = new Aisha.Limits((name, detail) => this.#heedLimit(name, detail));
    #dialogue = new Aisha.Dialogue((name, detail) => this.#followDialogue(name, detail), this.#asDialogueSeesIt());
    #connection = null;
    #session = null;
    #telemetry;
    #sound;
    #watch = new Aisha.Watch(this.#asSoundAndWatchSeeIt());
    #isReturning = false;
    #patience = 0;

    constructor({ on, audio, record = "", conversation = null }) {
      this.on = on;
      this.#sound = new Aisha.Sound(audio, this.#asSoundAndWatchSeeIt());
      this.about = { ...(record && { record }), ...(conversation && { conversation_id: conversation }) };
      this.state = "idle";
    }

    get conversation() {
      return this.#session?.conversation ?? null;
    }

    get title() {
      return this.#session?.conversation_title ?? "";
    }

    // Where another microphone or loudspeaker is chosen.
    get sound() {
      return this.#sound;
    }

    // Whether there is anything that a page which is left would end.
    get isUnderWay() {
      return UNDER_WAY.has(this.state);
    }

    get #isOver() {
      return this.state === "ended";
    }

    // --- beginning, leaving, coming back, ending ----------------------------------------------

    async start() {
      this.#beginToTell(performance.now());
      this.#become("asking", "Asking for a line…");
      try {
        await this.#line.take();
        this.#goOn();
        await this.#sound.open();
        this.#goOn();
        await this.#connect({});
      } catch (error) {
        this.#give(error);
      }
    }

    // The page is left: its call ends for the provider, and what is returned lets the next page take it up again.
    // Null where there is nothing to come back to.
    leave() {
      if (!this.isUnderWay || !this.#session) {
        this.end();
        return null;
      }
      if (!this.#comingBack.isOnTheWay) this.#drop("page_left");
      const left = {
        ...this.#comingBack.left(),
        began: performance.timeOrigin + this.#telemetry.began,
        session: { id: this.#session.id, keeps_texts: this.#session.keeps_texts, conversation: this.conversation, conversation_title: this.title },
        turn: this.#turns.now,
        isTyped: this.#turns.isTyped(this.#turns.now),
        words: this.#words.latest(),
        pending: this.#tools.left(),
        ...this.#sound.left(),
      };
      this.state = "ended";
      this.#stopWatching();
      this.#telemetry.close({ withPage: true });
      this.#letGo();
      return left;
    }

    // What `leave` returned on the page before goes on here.
    async comeBack(left) {
      this.#session = left.session;
      this.#words.session = left.session.id;
      this.#beginToTell(left.began - performance.timeOrigin);
      this.#telemetry.open(left.session.id, left.session.keeps_texts);
      this.#turns.goOn(left.turn, left.isTyped);
      this.#tools.goOn(left.pending);
      this.#sound.goOn(left);
      this.#isReturning = true;
      this.#comingBack.goOn(left);
      this.#become("lost", RETURNING);
      this.on("session", { conversation: this.conversation, isNew: false });
      this.#words.goOn(left.words);
      let trouble = "";
      try {
        await this.#line.take(LINE_WITHIN_MS);
        this.#goOn();
        trouble = await this.#sound.reopen(left);
        this.#goOn();
      } catch (error) {
        this.#give(error);
        return;
      }
      await this.#retry({ isAtOnce: true });
      if (trouble && !this.#isOver) this.#notice(trouble);
    }

    end(reason = "hung_up", words = "") {
      if (this.#isOver) return;
      const wasBegun = Boolean(this.#session);
      this.#become("ended", words || ENDS[reason] || ENDS.hung_up);
      this.#stopWatching();
      this.#words.keepWhatIsBeingSaid();
      this.#words.settle();
      if (wasBegun) this.#note("aisha.end", { reason });
      this.#telemetry.close();
      this.#letGo();
    }

    // Whether the call may go on, where something has happened that may end it.
    askServer() {
      if (this.isUnderWay && this.#session) this.#limits.askServer();
    }

    #beginToTell(began) {
      this.#telemetry = new Aisha.Telemetry(began);
      this.#telemetry.onEnded = ({ reason, message }) => this.end(reason, message);
      this.#telemetry.onRefused = () => this.askServer();
    }

    // Whoever hangs up while something is waited for has hung up.
    #goOn() {
      if (this.#isOver) throw new CallError("", { code: "ended" });
    }

    #give(error) {
      if (this.#isOver) {
        this.#letGo();
        return;
      }
      this.#note("aisha.drop", { reason: error.code ?? "failed" });
      this.end("failed", error instanceof CallError ? error.message : ENDS.failed);
    }

    #letGo() {
      this.#hangUp();
      this.#sound.close();
      this.#line.release();
    }

    // --- the connection ------------------------------------------------------------------------

    async #connect({ resumes = false }) {
      const token = await askForToken(resumes ? { session_id: this.#session.id } : this.about, (told) => this.#note("aisha.token", told));
      if (this.#isOver && !resumes) ask(`/realtime/sessions/${token.session_id}`, { method: "DELETE" }).catch(() => {});
      this.#goOn();
      this.#session = await ask(`/realtime/sessions/${token.session_id}`, { method: "GET" });
      this.#goOn();
      this.#words.session = token.session_id;
      this.on("session", { conversation: this.conversation, isNew: !resumes });
      this.#telemetry.open(token.session_id, this.#session.keeps_texts);
      this.#limits.begin(this.#session);
      if (resumes) this.#become("lost", this.#isReturning ? RETURNING : "Connecting again…");
      else this.#become("connecting", "Connecting…");
      await this.#dial(token.value);
    }

    async #dial(secret) {
      this.#hangUp();
      this.#connection = new Aisha.Connection({ on: (name, detail) => this.#followConnection(name, detail), note: (...told) => this.#note(...told) });
      await this.#connection.dial(secret, this.#session.calls_url, this.#sound.microphone);
      this.#goLive();
    }

    #followConnection(name, detail) {
      if (name === "state") this.#heedState(detail);
      else if (name === "message") this.#dialogue.hear(detail);
      else if (name === "closed") this.#lose("channel_closed");
      else if (name === "sound") this.#sound.play(detail);
    }

    #heedState(state) {
      clearTimeout(this.#patience);
      if (state === "disconnected" && this.state === "live") {
        this.#become("lost", "The connection is poor. Waiting for it to come back…");
        this.#patience = setTimeout(() => this.#lose("disconnected"), PATIENCE_MS);
      } else if (state === "failed") this.#lose("failed");
      else if (state === "connected" && this.state === "lost" && this.#connection.isOpen) {
        this.#become("live", this.#sound.words());
        // What a tool has answered meanwhile nobody has asked the model to go on with.
        if (this.#tools.isAnyPending) this.#tools.run();
      }
    }

    #goLive() {
      const wasLost = this.#comingBack.isOnTheWay;
      if (wasLost) {
        this.#note("aisha.reconnect", { attempt: this.#comingBack.attempt, ok: true });
        this.#dialogue.remind(this.#words.latest());
      }
      const missing = this.#comingBack.arrive();
      this.#dialogue.reset();
      this.#limits.hear();
      this.#sound.letUp();
      if (this.#sound.isHeld) this.#dialogue.detectTurns(true);
      const back = !wasLost ? "" : this.#isReturning ? "You are back in your call." : "You are connected again.";
      this.#become("live", this.#sound.words(missing === "words" ? `${back} Say again what you said last.` : back));
      this.#isReturning = false;
      this.#watch.begin();
      this.#sound.tellDevices();
      // What was called when the connection was lost is answered to the new one.
      this.#tools.forgetWhatWasTold();
      if (this.#tools.isAnyPending) this.#tools.run();
      else if (missing === "answer" && this.#comingBack.asksAgain()) this.#dialogue.askForAnswer();
    }

    #lose(reason) {
      if (this.#isOver || this.state === "asking" || this.state === "connecting") return;
      if (this.#comingBack.isOnTheWay) return;
      this.#drop(reason);
      this.#comingBack.begin();
      this.#become("lost", "The connection was lost. Connecting again…");
      this.#hangUp();
      this.#retry();
    }

    // The connection is gone: what was under way on it is kept.
    #drop(reason) {
      this.#note("aisha.drop", { reason });
      this.#comingBack.noteWhatIsMissing({
        isAnswering: this.#dialogue.isAnswering,
        isUnwritten: this.#turns.now > 0 && !this.#words.isWrittenDown(this.#turns.now),
        isPersonLast: this.#words.latest().at(-1)?.speaker === "person",
      });
      this.#words.keepWhatIsBeingSaid();
    }

    async #retry({ isAtOnce = false } = {}) {
      if (this.#isOver) return;
      if (this.#comingBack.isTooLate) {
        this.end("connection_lost");
        return;
      }
      const waitMs = this.#comingBack.next({ isAtOnce });
      if (waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (this.#isOver) return;
      try {
        await this.#connect({ resumes: true });
      } catch (error) {
        if (this.#isOver) {
          this.#letGo();
          return;
        }
        this.#note("aisha.reconnect", { attempt: this.#comingBack.attempt, wait_ms: waitMs, ok: false, code: error.code });
        if (error.shutOut) this.end("revoked", error.shutOut);
        else if (OVER.has(error.code)) this.end(error.reason || (error.code === "cost_limit" ? "month_limit" : "connection_lost"), error.message);
        else {
          this.#comingBack.slowDown(1_000 * (error.retryAfterS ?? 0));
          this.#retry();
        }
      }
    }

    // The server says why: the page is let in no more, or it has ended the call, or would at its next look.
    #heedRefusal(error) {
      if (error.shutOut) this.end("revoked", error.shutOut);
      else if (error.code === "session_over") this.end(error.reason || "provider", error.message);
    }

    #hangUp() {
      this.#connection?.close();
      this.#connection = null;
    }

    // --- what its parts see of it --------------------------------------------------------------

    #followDialogue(name, detail) {
      if (name === "heard") this.#noteProvider(detail.event, "in", detail.turn, detail.size);
      else if (name === "noticed") this.#notice(detail.words, detail);
      else if (name === "answers") this.#tellSpoken();
      else this.end("provider");
    }

    #asDialogueSeesIt() {
      const call = this;
      return {
        turns: call.#turns,
        words: call.#words,
        tools: call.#tools,
        limits: call.#limits,
        get heldSince() {
          return call.#sound.isHeld ? call.#sound.pressedAt : undefined;
        },
        beginTurn: () => call.#beginTurn(),
        bargeIn: () => call.#note("aisha.barge_in", { on: true }),
        send: (event) => call.#send(event),
      };
    }

    #asToolsSeeIt() {
      const call = this;
      return {
        get session() {
          return call.#session.id;
        },
        get turn() {
          return call.#turns.now || null;
        },
        get connection() {
          return call.#connection;
        },
        get isLive() {
          return call.state === "live";
        },
        mayGoOn: (turn) => call.state === "live" && !call.#dialogue.isAnswering && (call.#turns.now || null) === turn,
        send: (event) => call.#send(event),
        note: (type, data, more) => call.#note(type, data, more),
        askForAnswer: (response) => call.#dialogue.askForAnswer(response),
        propose: (proposal) => call.on("proposed", proposal),
        heed: (error) => call.#heedRefusal(error),
      };
    }

    #asSoundAndWatchSeeIt() {
      const call = this;
      return {
        limits: call.#limits,
        get connection() {
          return call.#connection;
        },
        get isLive() {
          return call.state === "live";
        },
        get isSpeaking() {
          return call.#dialogue.isSpeaking;
        },
        now: () => call.#telemetry.now(),
        note: (type, data) => call.#note(type, data),
        notice: (words) => call.#notice(words),
        lose: (reason) => call.#lose(reason),
        tellDevices: (devices) => call.on("devices", devices),
        heedSilence: () => call.#tellWhatIsHeard(),
      };
    }

    // --- what the person does ------------------------------------------------------------------

    sendText(text) {
      this.#dialogue.interrupt();
      this.#beginTurn({ isTyped: true });
      const item = `item_${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;
      this.#words.show("person", item, text);
      this.#words.keep("person", item, text, { isTyped: true });
      this.#dialogue.tell(item, text);
    }

    mute(isMuted) {
      this.#note("aisha.muted", { on: isMuted });
      this.#sound.mute(isMuted);
      this.#tellWhatIsHeard();
    }

    // With `isHeld` the person is heard while they hold a button, else all the time.
    hold(isHeld) {
      this.#sound.hold(isHeld);
      if (this.state === "live") this.#dialogue.detectTurns(isHeld);
    }

    press() {
      if (this.state !== "live" || !this.#sound.mayBePressed()) return;
      this.#dialogue.interrupt();
      this.#beginTurn();
      this.#send({ type: "input_audio_buffer.clear" });
      this.#sound.press();
    }

    release() {
      if (!this.#sound.isHeld) return;
      const wasPressed = this.#sound.letUp();
      if (!wasPressed || this.state !== "live") return;
      this.#limits.hear();
      this.#dialogue.commit();
    }

    #beginTurn(how) {
      this.#turns.begin(how);
      this.#tools.beginTurn();
      this.#comingBack.beginTurn();
      this.#limits.hear();
      this.#tellSpoken();
    }

    #tellSpoken() {
      this.on("spoken", { words: this.#sound.words() });
    }

    #tellWhatIsHeard() {
      if (this.state === "live") this.#become("live", this.#sound.words());
    }

    #stopWatching() {
      this.#watch.end();
      clearTimeout(this.#patience);
    }

    #heedLimit(name, { reason, words, ...near }) {
      if (name === "reached") this.end(reason, words);
      else {
        this.#note("aisha.limit", near);
        this.on("warned", near);
      }
    }

    // --- telling -------------------------------------------------------------------------------

    #send(event) {
      if (!this.#connection?.isOpen) return;
      const told = { event_id: `evt_${crypto.randomUUID()}`, ...event };
      const text = JSON.stringify(told);
      this.#noteProvider(told, "out", this.#turns.now, text.length);
      this.#connection.send(text);
    }

    #note(type, data, { turn = this.#turns.now, ...more } = {}) {
      this.#telemetry.note(type, data, { turn: turn || null, origin: this.#turns.originOf(turn), ...more });
    }

    #noteProvider(event, direction, turn, size) {
      this.#telemetry.noteProvider(event, direction, { turn: turn || null, origin: this.#turns.originOf(turn), size });
    }

    #notice(words, { isOfSilence = false } = {}) {
      this.on("noticed", { words, isOfSilence });
    }

    #become(state, words) {
      this.state = state;
      this.on("state", { state, words });
    }
  }

  window.Aisha = window.Aisha ?? {};
  Aisha.Call = Call;
})();
