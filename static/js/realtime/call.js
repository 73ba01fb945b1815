// A call with the voice provider: token, connection, the events of its data channel, and coming back after a drop, or
// on the next page of the tab. Its parts have files of their own: line, microphone, connection, turns, words, tools,
// dialogue, limits, telemetry. It knows nothing of the page: whoever makes one is told by `on(name, detail)`.
//
//   state      asking, connecting, live, lost, ended; with words for the person
//   session    {conversation, isNew}: which conversation the call belongs to; not new where the call goes on
//   caption    {speaker, item, at, text, isWhole}: what was begun to be said at that moment of the call
//   kept       the thread has everything that was said
//   proposed   {suggestion}
//   warned     {limit, left_s}
//   devices    the microphones there are
//   noticed    {words}: a trouble that the call goes on with
(() => {
  "use strict";
  const { CallError, askRealtime: ask } = Aisha;
  const FIRST_RETRY_MS = 500;
  const LAST_RETRY_MS = 8_000;
  // The server lets a call go on for a minute after it was lost.
  const GRACE_MS = 60_000;
  // ICE mends short drops by itself.
  const PATIENCE_MS = 4_000;
  // The page before lets go of the line while this one begins.
  const LINE_WITHIN_MS = 5_000;
  const STATS_MS = 2_000;
  const LOOK_MS = 1_000;
  const ASK_LEFT_MS = 20_000;
  // An answer that never comes through is asked for no more often, of one turn.
  const MOST_ASKED_AGAIN = 3;
  const UNDER_WAY = new Set(["connecting", "live", "lost"]);
  // Who asks again is told the same.
  const OVER = new Set(["session_over", "session_not_found", "module_off", "permission_denied", "not_authenticated", "cost_limit"]);
  const ENDS = {
    hung_up: "The call has ended.",
    length_limit: "The call has reached its longest length.",
    idle_limit: "The call has ended, because nobody said anything.",
    cost_limit: "The call has reached its cost limit.",
    connection_lost: "The connection was lost and could not be made again.",
    provider: "The voice provider has ended the call.",
    failed: "The call could not be made.",
  };
  const POOR = "The connection is poor, and AiSHA may be hard to hear. What is said is written here, too.";
  const RETURNING = "Coming back to your call…";

  class Call {
    #line = new Aisha.Line();
    #microphone = new Aisha.Microphone(() => this.#lacksMicrophone());
    #turns = new Aisha.Turns();
    #words = new Aisha.Words({ on: (name, detail) => this.on(name, detail), now: () => this.#telemetry.now(), turnOf: (item) => this.#turns.of({ item_id: item }) });
    #tools = new Aisha.Tools(this.#asToolsSeeIt());
    #limits = new Aisha.Limits((name, detail) => this.#heedLimit(name, detail));
    #dialogue = new Aisha.Dialogue((name, detail) => this.#followDialogue(name, detail), this.#asDialogueSeesIt());
    #connection = null;
    #session = null;
    #telemetry;
    #pressedAt = 0;
    // What the person was left without when the connection was lost: nothing, an answer, or the words they said.
    #missing = "";
    #askedAgain = 0;
    #isHeld = false;
    #isPressed = false;
    #isReturning = false;
    #isPoorTold = false;
    #silenced = "";
    #lostAt = 0;
    #retryMs = FIRST_RETRY_MS;
    #attempt = 0;
    #timers = [];
    #lastLook = 0;
    #patience = 0;

    constructor({ on, audio, record = "", conversation = null }) {
      this.on = on;
      this.audio = audio;
      this.about = { ...(record && { record }), ...(conversation && { conversation_id: conversation }) };
      this.state = "idle";
      this.isMuted = false;
    }

    get conversation() {
      return this.#session?.conversation ?? null;
    }

    get title() {
      return this.#session?.conversation_title ?? "";
    }

    get isHeld() {
      return this.#isHeld;
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
        await this.#microphone.open();
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
      const lostForMs = this.#lostAt ? performance.now() - this.#lostAt : 0;
      if (!this.#lostAt) this.#drop("page_left");
      const left = {
        until: Date.now() + GRACE_MS - lostForMs,
        began: performance.timeOrigin + this.#telemetry.began,
        session: { id: this.#session.id, keeps_texts: this.#session.keeps_texts, conversation: this.conversation, conversation_title: this.title },
        turn: this.#turns.now,
        isTyped: this.#turns.isTyped(this.#turns.now),
        missing: this.#missing,
        askedAgain: this.#askedAgain,
        words: this.#words.latest(),
        pending: this.#tools.left(),
        device: this.#microphone.deviceId,
        isMuted: this.isMuted,
        isHeld: this.#isHeld,
      };
      this.state = "ended";
      this.#stopTimers();
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
      this.#missing = left.missing;
      this.#askedAgain = left.askedAgain;
      this.#tools.goOn(left.pending);
      this.isMuted = left.isMuted;
      this.#isHeld = left.isHeld;
      this.#applyMicrophone();
      this.#isReturning = true;
      this.#lostAt = performance.now();
      this.#become("lost", RETURNING);
      this.on("session", { conversation: this.conversation, isNew: false });
      this.#words.goOn(left.words);
      let trouble = "";
      try {
        await this.#line.take(LINE_WITHIN_MS);
        this.#goOn();
        await this.#microphone
          .open(left.device)
          .catch(() => this.#microphone.open())
          .catch(({ message }) => void (trouble = message));
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
      this.#stopTimers();
      this.#words.keepWhatIsBeingSaid();
      this.#words.settle();
      if (wasBegun) this.#note("aisha.end", { reason });
      this.#telemetry.close();
      this.#letGo();
    }

    #beginToTell(began) {
      this.#telemetry = new Aisha.Telemetry(began);
      this.#telemetry.onEnded = ({ reason, message }) => this.end(reason, message);
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
      this.#microphone.close();
      this.#line.release();
    }

    // --- the connection ------------------------------------------------------------------------

    async #connect({ resumes = false }) {
      const began = performance.now();
      const wanted = resumes ? { session_id: this.#session.id } : this.about;
      const token = await ask("/realtime-token", { body: wanted }).catch((error) => {
        this.#note("aisha.token", { ms: performance.now() - began, code: error.code });
        throw error;
      });
      this.#note("aisha.token", { ms: performance.now() - began, status: 201 });
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
      this.#isPoorTold = false;
      this.#connection = new Aisha.Connection((name, detail) => this.#followConnection(name, detail));
      await this.#connection.dial(secret, this.#session.calls_url, this.#microphone);
      this.#note("aisha.channel_state", { state: "open" });
      this.#goLive();
    }

    #followConnection(name, detail) {
      switch (name) {
        case "offer":
          this.#note("aisha.offer", {}, { direction: "out", size: detail.size });
          break;
        case "answer":
          this.#note("aisha.answer", { ms: detail.ms, status: detail.status, ...(detail.call && { call: detail.call }) }, { direction: "in", size: detail.size });
          break;
        case "ice":
          this.#note("aisha.ice_state", detail);
          break;
        case "state":
          this.#note("aisha.connection_state", detail);
          this.#heedState(detail.state);
          break;
        case "message":
          this.#dialogue.hear(detail);
          break;
        case "closed":
          this.#note("aisha.channel_state", { state: "closed" });
          this.#lose("channel_closed");
          break;
        case "sound":
          this.#play(detail);
          break;
      }
    }

    #heedState(state) {
      clearTimeout(this.#patience);
      if (state === "disconnected" && this.state === "live") {
        this.#become("lost", "The connection is poor. Waiting for it to come back…");
        this.#patience = setTimeout(() => this.#lose("disconnected"), PATIENCE_MS);
      } else if (state === "failed") this.#lose("failed");
      else if (state === "connected" && this.state === "lost" && this.#connection.isOpen) {
        this.#become("live", "Listening.");
        // What a tool has answered meanwhile nobody has asked the model to go on with.
        if (this.#tools.isAnyPending) this.#tools.run();
      }
    }

    // A page on which nobody has clicked yet may be kept silent by the browser.
    #play(stream) {
      this.audio.srcObject = stream;
      this.audio.play().catch((error) => {
        if (error.name !== "NotAllowedError") return;
        this.#silenced = "Click anywhere to hear AiSHA.";
        if (this.state === "live") this.#become("live", this.#silenced);
        const play = () => this.audio.play().then(() => (this.#silenced = ""), () => {});
        addEventListener("pointerdown", play, { once: true });
      });
    }

    #goLive() {
      const wasLost = this.#lostAt > 0;
      if (wasLost) {
        this.#note("aisha.reconnect", { attempt: this.#attempt, ok: true });
        this.#remind();
      }
      this.#lostAt = 0;
      this.#attempt = 0;
      this.#retryMs = FIRST_RETRY_MS;
      this.#dialogue.reset();
      this.#limits.hear();
      this.#isPressed = false;
      this.#applyMicrophone();
      if (this.#isHeld) this.#setTurnDetection();
      const missing = this.#missing;
      this.#missing = "";
      const words = !wasLost ? "Listening." : this.#isReturning ? "You are back in your call." : "You are connected again.";
      this.#become("live", this.#silenced || (missing === "words" ? `${words} Say again what you said last.` : words));
      this.#isReturning = false;
      this.#lastLook = Date.now();
      if (!this.#timers.length) {
        this.#timers = [setInterval(() => this.#look(), LOOK_MS), setInterval(() => this.#measure(), STATS_MS), setInterval(() => this.#askWhatIsLeft(), ASK_LEFT_MS)];
      }
      this.#tellDevices();
      // What was called when the connection was lost is answered to the new one.
      this.#tools.forgetWhatWasTold();
      if (this.#tools.isAnyPending) this.#tools.run();
      else if (missing === "answer" && this.#askedAgain < MOST_ASKED_AGAIN) {
        this.#askedAgain += 1;
        this.#dialogue.askForAnswer();
      }
    }

    // The provider's session is a new one after a drop: it is told what was said before.
    #remind() {
      for (const { speaker, text } of this.#words.latest()) {
        const isPerson = speaker === "person";
        this.#send({ type: "conversation.item.create", item: { type: "message", role: isPerson ? "user" : "assistant", content: [{ type: isPerson ? "input_text" : "output_text", text }] } });
      }
    }

    #lose(reason) {
      if (this.#isOver || this.state === "asking" || this.state === "connecting") return;
      if (this.#lostAt) return;
      this.#drop(reason);
      this.#lostAt = performance.now();
      this.#become("lost", "The connection was lost. Connecting again…");
      this.#hangUp();
      this.#retry();
    }

    // The connection is gone: what was under way on it is kept.
    #drop(reason) {
      this.#note("aisha.drop", { reason });
      this.#seeWhatIsMissing();
      this.#words.keepWhatIsBeingSaid();
    }

    #seeWhatIsMissing() {
      const { isAnswering } = this.#dialogue;
      const isPersonLast = this.#words.latest().at(-1)?.speaker === "person";
      // What was spoken and is not written down yet the new connection cannot be told.
      if (isAnswering && this.#turns.now && !this.#words.isWrittenDown(this.#turns.now)) this.#missing = "words";
      else this.#missing = isAnswering || isPersonLast ? "answer" : "";
    }

    async #retry({ isAtOnce = false } = {}) {
      if (this.#isOver) return;
      if (performance.now() - this.#lostAt > GRACE_MS) {
        this.end("connection_lost");
        return;
      }
      const waitMs = isAtOnce ? 0 : this.#retryMs * (1 + Math.random() / 2);
      if (!isAtOnce) this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
      this.#attempt += 1;
      if (waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (this.#isOver) return;
      try {
        await this.#connect({ resumes: true });
      } catch (error) {
        if (this.#isOver) {
          this.#letGo();
          return;
        }
        this.#note("aisha.reconnect", { attempt: this.#attempt, wait_ms: waitMs, ok: false, code: error.code });
        if (OVER.has(error.code)) this.end(error.reason || "connection_lost", error.message);
        else {
          this.#retryMs = Math.max(this.#retryMs, 1_000 * (error.retryAfterS ?? 0));
          this.#retry();
        }
      }
    }

    #hangUp() {
      this.#connection?.close();
      this.#connection = null;
    }

    // --- what its parts see of it --------------------------------------------------------------

    #followDialogue(name, detail) {
      if (name === "heard") this.#noteProvider(detail.event, "in", detail.turn, detail.size);
      else if (name === "noticed") this.#notice(detail.words);
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
          return call.#isHeld ? call.#pressedAt : undefined;
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
        // The server says why: it has ended the call, or would at its next look.
        heed: (error) => error.code === "session_over" && call.end(error.reason || "provider", error.message),
      };
    }

    // --- what the person does ------------------------------------------------------------------

    // Typed words in a call are answered like spoken ones.
    sendText(text) {
      this.#dialogue.interrupt();
      this.#beginTurn({ isTyped: true });
      const item = `item_${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;
      this.#words.show("person", item, text);
      this.#words.keep("person", item, text, { isTyped: true });
      this.#send({ type: "conversation.item.create", item: { id: item, type: "message", role: "user", content: [{ type: "input_text", text }] } });
      this.#dialogue.askForAnswer();
    }

    mute(isMuted) {
      this.isMuted = isMuted;
      this.#note("aisha.muted", { on: isMuted });
      this.#applyMicrophone();
    }

    // With `isHeld` the person is heard while they hold a button, else all the time.
    hold(isHeld) {
      this.#isHeld = isHeld;
      this.#isPressed = false;
      this.#applyMicrophone();
      if (this.state === "live") this.#setTurnDetection();
    }

    press() {
      if (!this.#isHeld || this.isMuted || this.state !== "live") return;
      this.#isPressed = true;
      this.#pressedAt = this.#telemetry.now();
      this.#dialogue.interrupt();
      this.#beginTurn();
      this.#send({ type: "input_audio_buffer.clear" });
      this.#applyMicrophone();
    }

    release() {
      if (!this.#isHeld) return;
      const wasPressed = this.#isPressed;
      this.#isPressed = false;
      this.#applyMicrophone();
      if (!wasPressed || this.state !== "live") return;
      this.#limits.hear();
      this.#send({ type: "input_audio_buffer.commit" });
      this.#dialogue.askForAnswer();
    }

    async useDevice(deviceId) {
      try {
        await this.#changeMicrophone(deviceId);
      } catch (error) {
        this.#notice(error.message);
      }
    }

    #beginTurn(how) {
      this.#turns.begin(how);
      this.#tools.beginTurn();
      this.#askedAgain = 0;
      this.#limits.hear();
    }

    #setTurnDetection() {
      const detection = this.#isHeld ? null : { type: "server_vad", interrupt_response: true };
      this.#send({ type: "session.update", session: { type: "realtime", audio: { input: { turn_detection: detection } } } });
    }

    #applyMicrophone() {
      this.#microphone.turn(!this.isMuted && (!this.#isHeld || this.#isPressed));
    }

    // It was unplugged, or taken away: another one is taken, or the call goes on with what is typed.
    async #lacksMicrophone() {
      try {
        await this.#changeMicrophone();
        this.#notice("The microphone went away. Another one is used now.");
      } catch (error) {
        this.#notice(`The microphone went away. ${error.message}`);
      }
    }

    async #changeMicrophone(deviceId = "") {
      if (!(await this.#microphone.change(deviceId, (track) => this.#connection?.replaceTrack(track)))) return;
      this.#note("aisha.device", { kind: "microphone" });
      this.#tellDevices();
    }

    async #tellDevices() {
      this.on("devices", await this.#microphone.devices());
    }

    // --- by the clock --------------------------------------------------------------------------

    #stopTimers() {
      for (const timer of this.#timers) clearInterval(timer);
      clearTimeout(this.#patience);
    }

    // Each second: is a limit near, was the machine asleep?
    #look() {
      const now = Date.now();
      const wasAsleep = now - this.#lastLook > 10 * LOOK_MS;
      this.#lastLook = now;
      if (this.state !== "live") return;
      if (wasAsleep && this.#connection?.state !== "connected") this.#lose("asleep");
      else this.#limits.look(this.#dialogue.isSpeaking);
    }

    async #measure() {
      if (this.#connection?.state !== "connected") return;
      const { statistics } = this.#connection;
      this.#note("aisha.stats", await statistics.measure());
      // Told once of a connection, whatever becomes of it.
      if (!statistics.isPoor || this.#isPoorTold || this.state !== "live") return;
      this.#isPoorTold = true;
      this.#notice(POOR);
    }

    #askWhatIsLeft() {
      if (this.state === "live") this.#limits.askServer();
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
      this.#telemetry.note(type, data, { turn: turn || null, origin: this.#originOf(turn), ...more });
    }

    #noteProvider(event, direction, turn, size) {
      this.#telemetry.noteProvider(event, direction, { turn: turn || null, origin: this.#originOf(turn), size });
    }

    // What follows from typed words is told apart from what was spoken.
    #originOf(turn) {
      return this.#turns.isTyped(turn) ? "typed" : "realtime";
    }

    #notice(words) {
      this.on("noticed", { words });
    }

    #become(state, words) {
      this.state = state;
      this.on("state", { state, words });
    }
  }

  window.Aisha = window.Aisha ?? {};
  Aisha.Call = Call;
})();
