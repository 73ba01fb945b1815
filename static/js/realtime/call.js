// A call with the voice provider: token, WebRTC, the events of its data channel, our tools, limits, and coming back
// after a drop, or on the next page of the tab. It knows nothing of the page: whoever makes one is told by
// `on(name, detail)`.
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
  const CONNECT_WITHIN_MS = 15_000;
  // The page before lets go of the line while this one begins.
  const LINE_WITHIN_MS = 5_000;
  const STATS_MS = 2_000;
  const LOOK_MS = 1_000;
  const ASK_LEFT_MS = 20_000;
  const COST_WARNED_USD = 0.2;
  const MOST_CALLS_AT_ONCE = 4;
  const MOST_TRIES_OF_A_CALL = 4;
  // After so many rounds of tools without a word the model has to speak.
  const MOST_ROUNDS = 8;
  // An answer that never comes through is asked for no more often, of one turn.
  const MOST_ASKED_AGAIN = 3;
  const REMEMBERED_EVENTS = 2_000;
  const REMEMBERED_WORDS = 12;
  const UNDER_WAY = new Set(["connecting", "live", "lost"]);
  const ENDS = {
    hung_up: "The call has ended.",
    length_limit: "The call has reached its longest length.",
    idle_limit: "The call has ended, because nobody said anything.",
    cost_limit: "The call has reached its cost limit.",
    connection_lost: "The connection was lost and could not be made again.",
    provider: "The voice provider has ended the call.",
    failed: "The call could not be made.",
  };
  // What the provider says of its troubles is for developers; the person is told what they can do.
  const UNANSWERED = "AiSHA could not answer this. Say it again, or hang up and type instead.";
  const OUT_OF_QUOTA = "The voice provider’s quota is used up. Hang up and type instead.";
  const CUT_SHORT = "The answer was cut short. Ask AiSHA to go on.";
  const NOT_WRITTEN_DOWN = "What you said could not be written down, and is missing in the conversation.";
  const FAULT = "The voice provider reported a fault. If no answer comes, say it again.";
  const POOR = "The connection is poor, and AiSHA may be hard to hear. What is said is written here, too.";
  const FAULTS = { input_audio_buffer_commit_empty: "Nothing was heard. Hold the button for as long as you speak." };
  // Two sides that speak at once: an answer that is to be stopped has ended, or one is on its way already.
  const HARMLESS = new Set(["response_cancel_not_active", "conversation_already_has_active_response"]);
  const UNFINISHED = new Set(["cancelled", "incomplete", "failed"]);
  const RETURNING = "Coming back to your call…";
  const MICROPHONES = {
    NotAllowedError: "The microphone is not allowed on this page. Allow it in the browser’s address bar, or type instead.",
    NotFoundError: "There is no microphone. Plug one in, or type instead.",
    NotReadableError: "The microphone is used by another program. Close it, or type instead.",
  };

  class Call {
    #peer = null;
    #channel = null;
    #microphone = null;
    #session = null;
    #release = null;
    #telemetry;
    #transcripts = new Aisha.Transcripts();
    // When each item was begun to be said, and what the assistant is saying.
    #beganAt = new Map();
    #saying = new Map();
    #pressedAt = 0;
    #turn = 0;
    #seen = new Set();
    // {speaker, item, text, at, turn}, in the order in which it became known.
    #words = [];
    // Calls of tools whose answer the model has not gone on with yet, by their id.
    #pending = new Map();
    #isAsked = false;
    #handled = new Set();
    #rounds = 0;
    // What the person was left without when the connection was lost: nothing, an answer, or the words they said.
    #missing = "";
    #askedAgain = 0;
    #isResponding = false;
    #isSounding = false;
    #isHeld = false;
    #isPressed = false;
    #isReturning = false;
    #silenced = "";
    #turnOfResponse = new Map();
    #turnOfItem = new Map();
    #typedTurns = new Set();
    #lastWordAt = 0;
    #endsAt = Infinity;
    #warned = new Set();
    #lostAt = 0;
    #retryMs = FIRST_RETRY_MS;
    #attempt = 0;
    #timers = [];
    #lastLook = 0;
    #statistics = null;
    #isPoorTold = false;
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

    #beginToTell(began) {
      this.#telemetry = new Aisha.Telemetry(began);
      this.#telemetry.onEnded = ({ reason, message }) => this.end(reason, message);
    }

    async start() {
      this.#beginToTell(performance.now());
      this.#become("asking", "Asking for a line…");
      try {
        await this.#takeTheLine();
        this.#goOn();
        this.#listenBy(await this.#openMicrophone());
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
        turn: this.#turn,
        isTyped: this.#typedTurns.has(this.#turn),
        missing: this.#missing,
        askedAgain: this.#askedAgain,
        words: this.#latestWords(),
        pending: [...this.#pending.values()].map(({ call, turn }) => ({ call, turn })),
        device: this.#microphone?.getAudioTracks()[0]?.getSettings().deviceId ?? "",
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
      this.#beginToTell(left.began - performance.timeOrigin);
      this.#telemetry.open(left.session.id, left.session.keeps_texts);
      this.#turn = left.turn;
      if (left.isTyped) this.#typedTurns.add(left.turn);
      this.#missing = left.missing;
      this.#askedAgain = left.askedAgain;
      this.#words = left.words;
      for (const { call, turn } of left.pending) this.#pending.set(call.call_id, { call, turn });
      this.isMuted = left.isMuted;
      this.#isHeld = left.isHeld;
      this.#isReturning = true;
      this.#lostAt = performance.now();
      this.#become("lost", RETURNING);
      this.on("session", { conversation: this.conversation, isNew: false });
      for (const { speaker, item, text, at } of this.#words) {
        this.#beganAt.set(item, at);
        this.#caption(speaker, item, text, true);
      }
      let trouble = "";
      try {
        await this.#takeTheLine(LINE_WITHIN_MS);
        this.#goOn();
        const microphone = await this.#openMicrophone(left.device)
          .catch(() => this.#openMicrophone())
          .catch(({ message }) => void (trouble = message));
        if (microphone) this.#listenBy(microphone);
        this.#goOn();
      } catch (error) {
        this.#give(error);
        return;
      }
      await this.#retry({ isAtOnce: true });
      if (trouble && !this.#isOver) this.#notice(trouble);
    }

    // Whoever hangs up while something is waited for has hung up.
    #goOn() {
      if (this.#isOver) throw new CallError("", { code: "ended" });
    }

    // One call at a time, over all tabs of this browser.
    async #takeTheLine(withinMs = 0) {
      if (!navigator.locks) return;
      const wish = withinMs ? { signal: AbortSignal.timeout(withinMs) } : { ifAvailable: true };
      const isOurs = await new Promise((resolve) => {
        const take = (lock) => {
          resolve(Boolean(lock));
          return lock ? new Promise((release) => (this.#release = release)) : undefined;
        };
        navigator.locks.request("aisha-call", wish, take).catch(() => resolve(false));
      });
      if (!isOurs) throw new CallError("You are in a call in another tab.", { code: "other_tab" });
    }

    async #openMicrophone(deviceId = "") {
      if (!navigator.mediaDevices?.getUserMedia) throw new CallError("This browser gives no page a microphone here. Type instead.", { code: "no_microphone" });
      try {
        const audio = { echoCancellation: true, noiseSuppression: true, ...(deviceId && { deviceId: { exact: deviceId } }) };
        return await navigator.mediaDevices.getUserMedia({ audio });
      } catch (error) {
        throw new CallError(MICROPHONES[error.name] ?? "The microphone could not be opened. Type instead.", { code: error.name });
      }
    }

    // From now on the person is heard by this microphone.
    #listenBy(microphone) {
      this.#microphone = microphone;
      for (const track of microphone.getTracks()) track.onended = () => this.#lacksMicrophone(microphone);
      this.#applyMicrophone();
    }

    // It was unplugged, or taken away: another one is taken, or the call goes on with what is typed.
    async #lacksMicrophone(gone) {
      if (this.#isOver || gone !== this.#microphone) return;
      this.#microphone = null;
      try {
        await this.#changeMicrophone();
        this.#notice("The microphone went away. Another one is used now.");
      } catch (error) {
        this.#notice(`The microphone went away. ${error.message}`);
      }
    }

    async #changeMicrophone(deviceId = "") {
      const chosen = await this.#openMicrophone(deviceId);
      if (this.#isOver) {
        for (const track of chosen.getTracks()) track.stop();
        return;
      }
      const before = this.#microphone;
      this.#listenBy(chosen);
      const line = this.#peer?.getTransceivers().find(({ receiver }) => receiver.track.kind === "audio");
      // A connection that ends meanwhile takes none; the next one begins with this microphone.
      await line?.sender.replaceTrack(chosen.getAudioTracks()[0]).catch(() => {});
      for (const old of before?.getTracks() ?? []) old.stop();
      this.#note("aisha.device", { kind: "microphone" });
      this.#tellDevices();
    }

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
      this.on("session", { conversation: this.conversation, isNew: !resumes });
      this.#telemetry.open(token.session_id, this.#session.keeps_texts);
      this.#endsAt = performance.now() + this.#session.left_s * 1_000;
      if (resumes) this.#become("lost", this.#isReturning ? RETURNING : "Connecting again…");
      else this.#become("connecting", "Connecting…");
      await this.#dial(token.value);
    }

    async #dial(secret) {
      this.#hangUpPeer();
      const peer = (this.#peer = new RTCPeerConnection());
      this.#statistics = new Aisha.Statistics(peer);
      this.#isPoorTold = false;
      const tracks = this.#microphone?.getAudioTracks().filter(({ readyState }) => readyState === "live") ?? [];
      for (const track of tracks) peer.addTrack(track, this.#microphone);
      // Without a microphone AiSHA is heard all the same, and one can be chosen later.
      if (!tracks.length) peer.addTransceiver("audio");
      peer.ontrack = ({ streams }) => this.#play(streams[0]);
      peer.oniceconnectionstatechange = () => this.#note("aisha.ice_state", { state: peer.iceConnectionState });
      peer.onconnectionstatechange = () => this.#follow(peer);
      const channel = (this.#channel = peer.createDataChannel("oai-events"));
      const opened = new Promise((resolve, reject) => {
        const patience = setTimeout(() => reject(new CallError("No connection could be made in time.", { code: "connect_timeout" })), CONNECT_WITHIN_MS);
        channel.onopen = () => {
          clearTimeout(patience);
          resolve();
        };
        peer.addEventListener("connectionstatechange", () => peer.connectionState === "failed" && reject(new CallError("No connection could be made.", { code: "ice_failed" })));
      });
      // Whoever gave up earlier does not hear of it any more.
      opened.catch(() => {});
      channel.onmessage = ({ data }) => this.#hear(data);
      channel.onclose = () => {
        if (peer !== this.#peer) return;
        this.#note("aisha.channel_state", { state: "closed" });
        this.#lose("channel_closed");
      };
      const offer = await peer.createOffer();
      await peer.setLocalDescription(offer);
      this.#note("aisha.offer", {}, { direction: "out", size: offer.sdp.length });
      const began = performance.now();
      const response = await fetch(this.#session.calls_url, {
        method: "POST",
        headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/sdp" },
        body: offer.sdp,
        referrerPolicy: "no-referrer",
      }).catch(() => {
        throw new CallError("The voice provider could not be reached.", { code: "provider_down" });
      });
      const sdp = await response.text();
      this.#goOn();
      if (!response.ok) throw new CallError("The voice provider did not take the call.", { code: `provider_${response.status}` });
      // By this id the server can hang up.
      const call = response.headers.get("Location")?.split("/").pop();
      this.#note("aisha.answer", { ms: performance.now() - began, status: response.status, ...(call && { call }) }, { direction: "in", size: sdp.length });
      await peer.setRemoteDescription({ type: "answer", sdp });
      await opened;
      this.#goOn();
      this.#note("aisha.channel_state", { state: "open" });
      this.#goLive();
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
      this.#isResponding = this.#isSounding = this.#isAsked = false;
      this.#lastWordAt = performance.now();
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
      for (const one of this.#pending.values()) one.isTold = false;
      if (this.#pending.size) this.#callTools();
      else if (missing === "answer" && this.#askedAgain < MOST_ASKED_AGAIN) {
        this.#askedAgain += 1;
        this.#askForAnswer();
      }
    }

    #seeWhatIsMissing() {
      const isAnswering = this.#isResponding || this.#isAsked;
      const isWrittenDown = this.#words.some(({ speaker, turn }) => speaker === "person" && turn === this.#turn);
      const isPersonLast = this.#latestWords().at(-1)?.speaker === "person";
      // What was spoken and is not written down yet the new connection cannot be told.
      if (isAnswering && this.#turn && !isWrittenDown) this.#missing = "words";
      else this.#missing = isAnswering || isPersonLast ? "answer" : "";
    }

    #askForAnswer(response) {
      this.#isAsked = true;
      this.#send({ type: "response.create", ...(response && { response }) });
    }

    // The provider's session is a new one after a drop: it is told what was said before.
    #remind() {
      for (const { speaker, text } of this.#latestWords()) {
        const isPerson = speaker === "person";
        this.#send({ type: "conversation.item.create", item: { type: "message", role: isPerson ? "user" : "assistant", content: [{ type: isPerson ? "input_text" : "output_text", text }] } });
      }
    }

    #latestWords() {
      return this.#words.toSorted((one, other) => one.at - other.at).slice(-REMEMBERED_WORDS);
    }

    #follow(peer) {
      if (peer !== this.#peer) return;
      const state = peer.connectionState;
      this.#note("aisha.connection_state", { state });
      clearTimeout(this.#patience);
      if (state === "disconnected" && this.state === "live") {
        this.#become("lost", "The connection is poor. Waiting for it to come back…");
        this.#patience = setTimeout(() => this.#lose("disconnected"), PATIENCE_MS);
      } else if (state === "failed") this.#lose("failed");
      else if (state === "connected" && this.state === "lost" && this.#channel?.readyState === "open") {
        this.#become("live", "Listening.");
        // What a tool has answered meanwhile nobody has asked the model to go on with.
        if (this.#pending.size) this.#callTools();
      }
    }

    #lose(reason) {
      if (this.#isOver || this.state === "asking" || this.state === "connecting") return;
      if (this.#lostAt) return;
      this.#drop(reason);
      this.#lostAt = performance.now();
      this.#become("lost", "The connection was lost. Connecting again…");
      this.#hangUpPeer();
      this.#retry();
    }

    // The connection is gone: what was under way on it is kept.
    #drop(reason) {
      this.#note("aisha.drop", { reason });
      this.#seeWhatIsMissing();
      this.#keepWhatIsBeingSaid();
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
        if (["session_over", "session_not_found", "module_off", "permission_denied", "not_authenticated", "cost_limit"].includes(error.code)) this.end(error.reason || "connection_lost", error.message);
        else {
          this.#retryMs = Math.max(this.#retryMs, 1_000 * (error.retryAfterS ?? 0));
          this.#retry();
        }
      }
    }

    #hear(text) {
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
        this.#begins(event.item_id);
        this.#beginTurn();
      }
      this.#noteProvider(event, "in", this.#turnOf(event), text.length);
      this.#handle(event);
    }

    // What comes late belongs to the turn that it is an answer to, or the transcript of.
    #turnOf(event) {
      const response = event.response_id ?? event.response?.id;
      if (response) {
        if (!this.#turnOfResponse.has(response)) this.#turnOfResponse.set(response, this.#turn);
        return this.#turnOfResponse.get(response);
      }
      const item = event.item_id ?? event.item?.id;
      if (!item) return this.#turn;
      if (!this.#turnOfItem.has(item)) this.#turnOfItem.set(item, this.#turn);
      return this.#turnOfItem.get(item);
    }

    #beginTurn() {
      if (this.#isSounding) this.#note("aisha.barge_in", { on: true });
      this.#nextTurn();
    }

    #nextTurn() {
      this.#turn += 1;
      this.#rounds = this.#askedAgain = 0;
      this.#lastWordAt = performance.now();
    }

    // The thread and the captions have the order of the conversation: what is written down late stands where it was said.
    #begins(item, at = this.#telemetry.now()) {
      if (!item || this.#beganAt.has(item)) return;
      this.#beganAt.set(item, at);
      if (this.#beganAt.size > REMEMBERED_EVENTS) this.#beganAt.delete(this.#beganAt.keys().next().value);
    }

    #handle(event) {
      switch (event.type) {
        case "input_audio_buffer.committed":
          // Of a button that was held: the provider says nothing of when speech began.
          this.#begins(event.item_id, this.#isHeld ? this.#pressedAt : undefined);
          break;
        case "response.output_item.added":
          if (event.item?.type === "message") this.#begins(event.item.id);
          break;
        case "conversation.item.input_audio_transcription.completed":
          this.#caption("person", event.item_id, event.transcript ?? "", true);
          this.#keep("person", event.item_id, event.transcript ?? "");
          break;
        case "conversation.item.input_audio_transcription.failed":
          this.#notice(NOT_WRITTEN_DOWN);
          break;
        case "response.created":
          this.#isResponding = true;
          this.#isAsked = false;
          break;
        case "response.output_audio_transcript.delta":
        case "response.output_text.delta":
          this.#lastWordAt = performance.now();
          this.#saying.set(event.item_id, (this.#saying.get(event.item_id) ?? "") + (event.delta ?? ""));
          this.#caption("assistant", event.item_id, event.delta ?? "", false);
          break;
        case "response.output_audio_transcript.done":
        case "response.output_text.done":
          this.#caption("assistant", event.item_id, event.transcript ?? event.text ?? "", true);
          break;
        case "output_audio_buffer.started":
          this.#isSounding = true;
          break;
        case "output_audio_buffer.stopped":
        case "output_audio_buffer.cleared":
          this.#isSounding = false;
          this.#lastWordAt = performance.now();
          break;
        case "response.done":
          this.#isResponding = false;
          this.#finish(event.response ?? {});
          break;
        case "error":
          this.#isAsked = false;
          if (event.error?.code === "session_expired") this.end("provider");
          else if (!HARMLESS.has(event.error?.code)) this.#notice(FAULTS[event.error?.code] ?? FAULT);
          break;
      }
    }

    // What was said is kept in the thread, and what the model wants to call is called.
    #finish(response) {
      const output = response.output ?? [];
      for (const item of output) {
        if (item.type !== "message") continue;
        const text = (item.content ?? []).map((part) => part.transcript ?? part.text ?? "").join("");
        this.#saying.delete(item.id);
        this.#keep("assistant", item.id, text, UNFINISHED.has(response.status) ? { state: "cut_short" } : {});
      }
      if (response.status === "failed") {
        const { code, type } = response.status_details?.error ?? {};
        this.#notice([code, type].includes("insufficient_quota") ? OUT_OF_QUOTA : UNANSWERED);
      }
      if (response.status === "cancelled" || response.status === "failed") return;
      if (response.status === "incomplete") this.#notice(CUT_SHORT);
      // What it was told before it has gone on with.
      for (const [id, { isTold }] of this.#pending) if (isTold) this.#pending.delete(id);
      const calls = output.filter((item) => item.type === "function_call" && item.status !== "incomplete" && !this.#handled.has(item.call_id));
      if (!calls.length) return;
      for (const { call_id, name, arguments: given } of calls) {
        this.#handled.add(call_id);
        this.#pending.set(call_id, { call: { call_id, name, arguments: given ?? "" }, turn: this.#turn || null, peer: this.#peer });
      }
      this.#rounds += 1;
      this.#callTools();
    }

    // Calls what is to be called, and lets the model go on with what was found.
    async #callTools() {
      const turn = this.#turn || null;
      const waiting = [...this.#pending.values()].filter(({ isTold }) => !isTold);
      const work = async () => {
        for (let one = waiting.shift(); one; one = waiting.shift()) await this.#callTool(one);
      };
      await Promise.all(Array.from({ length: Math.min(MOST_CALLS_AT_ONCE, waiting.length) }, work));
      // Somebody spoke meanwhile: what they said is answered, with what was found.
      if (this.state !== "live" || this.#isResponding || this.#isAsked || (this.#turn || null) !== turn) return;
      if ([...this.#pending.values()].some(({ isTold }) => !isTold)) return;
      this.#askForAnswer(this.#rounds >= MOST_ROUNDS ? { tool_choice: "none" } : undefined);
    }

    async #callTool(one) {
      if (!one.answer) await (one.asking ??= this.#askBridge(one).finally(() => (one.asking = null)));
      if (!one.answer || one.isTold || this.#channel?.readyState !== "open") return;
      // The provider's session is a new one after a drop, and knows nothing of the call.
      if (one.peer !== this.#peer) this.#send({ type: "conversation.item.create", item: { type: "function_call", ...one.call } });
      one.peer = this.#peer;
      one.isTold = true;
      this.#send({ type: "conversation.item.create", item: { type: "function_call_output", call_id: one.call.call_id, output: JSON.stringify(one.answer.output) } });
    }

    // The bridge knows a call by its id: asked again, it answers as before, and does nothing twice.
    async #askBridge(one) {
      const { call, turn } = one;
      const began = performance.now();
      this.#note("aisha.tool_call", { call_id: call.call_id, tool: call.name }, { direction: "out", turn, size: call.arguments.length });
      for (let tries = 1; !one.answer; tries += 1) {
        try {
          one.answer = await ask("/realtime/tools", { body: { session_id: this.#session.id, ...call } });
        } catch (error) {
          // The server says why: it has ended the call, or would at its next look.
          if (error.code === "session_over") this.end(error.reason || "provider", error.message);
          // Where the connection is lost as well, it is asked again once there is a new one.
          if (error.isPassing && this.state !== "live") return;
          if (error.isPassing && tries < MOST_TRIES_OF_A_CALL) await new Promise((resolve) => setTimeout(resolve, FIRST_RETRY_MS * 2 ** tries));
          else one.answer = { status: "refused", code: error.code, output: { refused: error.code, message: error.message }, suggestion_id: null };
        }
      }
      const { answer } = one;
      this.#note("aisha.tool_result", { call_id: call.call_id, tool: call.name, ms: performance.now() - began, status: answer.status, code: answer.code }, { direction: "in", turn, size: JSON.stringify(answer.output).length });
      if (answer.suggestion_id) this.on("proposed", { suggestion: answer.suggestion_id, title: answer.output.proposed });
    }

    #caption(speaker, item, text, isWhole) {
      this.#begins(item);
      if (text) this.on("caption", { speaker, item, at: this.#beganAt.get(item) ?? this.#telemetry.now(), text, isWhole });
    }

    #keep(speaker, item, text, { state = "whole", isTyped = false } = {}) {
      if (!text.trim() || !item) return;
      this.#begins(item);
      const at = this.#beganAt.get(item);
      this.#words.push({ speaker, item, text, at, turn: this.#turnOf({ item_id: item }) });
      this.#transcripts.keep({ session_id: this.#session.id, item, speaker, text: text.slice(0, 20_000), state, is_typed: isTyped, at_ms: at });
    }

    // Whoever hangs up in the middle of an answer has heard that much of it.
    #keepWhatIsBeingSaid() {
      for (const [item, text] of this.#saying) this.#keep("assistant", item, text, { state: "cut_short" });
      this.#saying.clear();
    }

    // Typed words in a call are answered like spoken ones.
    sendText(text) {
      this.interrupt();
      this.#nextTurn();
      this.#typedTurns.add(this.#turn);
      const item = `item_${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;
      this.#caption("person", item, text, true);
      this.#keep("person", item, text, { isTyped: true });
      this.#send({ type: "conversation.item.create", item: { id: item, type: "message", role: "user", content: [{ type: "input_text", text }] } });
      this.#askForAnswer();
    }

    interrupt() {
      if (!this.#isResponding && !this.#isSounding) return;
      this.#note("aisha.barge_in", { on: true });
      if (this.#isResponding) this.#send({ type: "response.cancel" });
      this.#send({ type: "output_audio_buffer.clear" });
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
      this.interrupt();
      this.#nextTurn();
      this.#send({ type: "input_audio_buffer.clear" });
      this.#applyMicrophone();
    }

    release() {
      if (!this.#isHeld) return;
      const wasPressed = this.#isPressed;
      this.#isPressed = false;
      this.#applyMicrophone();
      if (!wasPressed || this.state !== "live") return;
      this.#lastWordAt = performance.now();
      this.#send({ type: "input_audio_buffer.commit" });
      this.#askForAnswer();
    }

    async useDevice(deviceId) {
      try {
        await this.#changeMicrophone(deviceId);
      } catch (error) {
        this.#notice(error.message);
      }
    }

    end(reason = "hung_up", words = "") {
      if (this.#isOver) return;
      const wasBegun = Boolean(this.#session);
      this.#become("ended", words || ENDS[reason] || ENDS.hung_up);
      this.#stopTimers();
      this.#keepWhatIsBeingSaid();
      this.#transcripts.settle(() => this.on("kept", {}));
      if (wasBegun) this.#note("aisha.end", { reason });
      this.#telemetry.close();
      this.#letGo();
    }

    #stopTimers() {
      for (const timer of this.#timers) clearInterval(timer);
      clearTimeout(this.#patience);
    }

    #letGo() {
      this.#hangUpPeer();
      for (const track of this.#microphone?.getTracks() ?? []) track.stop();
      this.#release?.();
    }

    #setTurnDetection() {
      const detection = this.#isHeld ? null : { type: "server_vad", interrupt_response: true };
      this.#send({ type: "session.update", session: { type: "realtime", audio: { input: { turn_detection: detection } } } });
    }

    #applyMicrophone() {
      const isOn = !this.isMuted && (!this.#isHeld || this.#isPressed);
      for (const track of this.#microphone?.getAudioTracks() ?? []) track.enabled = isOn;
    }

    async #tellDevices() {
      const devices = await navigator.mediaDevices.enumerateDevices();
      const used = this.#microphone?.getAudioTracks()[0]?.getSettings().deviceId;
      this.on("devices", { used, devices: devices.filter((one) => one.kind === "audioinput").map(({ deviceId, label }) => ({ deviceId, label })) });
    }

    // Each second: is a limit near, was the machine asleep?
    #look() {
      const now = Date.now();
      const wasAsleep = now - this.#lastLook > 10 * LOOK_MS;
      this.#lastLook = now;
      if (this.state !== "live") return;
      if (wasAsleep && this.#peer?.connectionState !== "connected") {
        this.#lose("asleep");
        return;
      }
      const left = Math.round((this.#endsAt - performance.now()) / 1_000);
      const silent = this.#isResponding || this.#isSounding ? 0 : (performance.now() - this.#lastWordAt) / 1_000;
      const idleLeft = Math.round(this.#session.idle_s - silent);
      if (left <= 0) this.end("length_limit");
      else if (idleLeft <= 0) this.end("idle_limit");
      else {
        this.#warn("length", left, this.#session.warned_before_s);
        this.#warn("idle", idleLeft, Math.min(20, this.#session.idle_s / 3));
      }
    }

    #warn(limit, left, before) {
      if (left > before) this.#warned.delete(limit);
      else if (!this.#warned.has(limit)) {
        this.#warned.add(limit);
        this.#note("aisha.limit", { limit, left_s: left });
        this.on("warned", { limit, left_s: left });
      }
    }

    async #askWhatIsLeft() {
      if (this.state !== "live") return;
      try {
        const told = await ask(`/realtime/sessions/${this.#session.id}`, { method: "GET" });
        if (told.state === "ended") this.end("provider", "This call was ended.");
        else if (Number(told.left_usd) <= 0) this.end("cost_limit");
        else if (Number(told.left_usd) <= COST_WARNED_USD) this.#warn("cost", 0, 0);
      } catch {
        // Asked again soon; the bridge holds the limits meanwhile.
      }
    }

    async #measure() {
      if (this.#peer?.connectionState !== "connected") return;
      const statistics = this.#statistics;
      this.#note("aisha.stats", await statistics.measure());
      // Told once of a connection, whatever becomes of it.
      if (!statistics.isPoor || this.#isPoorTold || this.state !== "live") return;
      this.#isPoorTold = true;
      this.#notice(POOR);
    }

    #send(event) {
      if (this.#channel?.readyState !== "open") return;
      const told = { event_id: `evt_${crypto.randomUUID()}`, ...event };
      const text = JSON.stringify(told);
      this.#noteProvider(told, "out", this.#turn, text.length);
      this.#channel.send(text);
    }

    #hangUpPeer() {
      const peer = this.#peer;
      this.#peer = null;
      this.#channel = null;
      peer?.close();
    }

    #note(type, data, { turn = this.#turn, ...more } = {}) {
      this.#telemetry.note(type, data, { turn: turn || null, origin: this.#originOf(turn), ...more });
    }

    #noteProvider(event, direction, turn, size) {
      this.#telemetry.noteProvider(event, direction, { turn: turn || null, origin: this.#originOf(turn), size });
    }

    // What follows from typed words is told apart from what was spoken.
    #originOf(turn) {
      return this.#typedTurns.has(turn) ? "typed" : "realtime";
    }

    #give(error) {
      if (this.#isOver) {
        this.#letGo();
        return;
      }
      this.#note("aisha.drop", { reason: error.code ?? "failed" });
      this.end("failed", error instanceof CallError ? error.message : ENDS.failed);
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
