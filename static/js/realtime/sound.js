// What a person is heard by in a call, and hears AiSHA from: microphone and loudspeaker, whether it is muted, and the
// button that is held to speak.
(() => {
  "use strict";
  const SILENCED = "Click anywhere to hear AiSHA.";
  const LISTENING = "Listening.";
  const HEARD_NOTHING = "You are muted, and AiSHA has heard nothing. Unmute yourself, then hold the button again.";
  const MUTED = "You are muted: AiSHA does not hear you.";

  class Sound {
    #audio;
    #call;
    #microphone = new Aisha.Microphone(() => this.#lacksMicrophone());
    #loudspeaker;
    #isPressed = false;
    isMuted = false;
    // Whether the person is heard while they hold a button, else all the time.
    isHeld = false;
    pressedAt = 0;
    // What is told where the browser keeps the page silent.
    silenced = "";

    // `call` has: connection, now(), note(type, data), notice(words), tellDevices(devices), heedSilence().
    constructor(audio, call) {
      this.#audio = audio;
      this.#call = call;
      this.#loudspeaker = new Aisha.Loudspeaker(audio, ({ isGone }) => this.#heedLoudspeakers(isGone));
    }

    // What a person who is connected has to know: `news`, if any, and whether each side hears the other.
    words(news = "") {
      if (this.silenced) return this.silenced;
      return this.isMuted ? `${news} ${MUTED}`.trim() : news || LISTENING;
    }

    get microphone() {
      return this.#microphone;
    }

    async open() {
      await this.#microphone.open();
      // A browser lets a page choose where it is heard once it may listen.
      await this.#loudspeaker.open();
    }

    // What the page before has left; returns what is wrong with the microphone, if anything: the call goes on without.
    async reopen({ device }) {
      let trouble = "";
      await this.#microphone
        .open(device)
        .catch(() => this.#microphone.open())
        .catch(({ message }) => void (trouble = message));
      await this.#loudspeaker.open();
      return trouble;
    }

    left() {
      return { device: this.#microphone.deviceId, isMuted: this.isMuted, isHeld: this.isHeld };
    }

    goOn({ isMuted, isHeld }) {
      this.isMuted = isMuted;
      this.isHeld = isHeld;
      this.#apply();
    }

    close() {
      this.#microphone.close();
      this.#loudspeaker.close();
    }

    // A page on which nobody has clicked yet may be kept silent by the browser.
    play(stream) {
      this.#audio.srcObject = stream;
      this.#audio.play().catch((error) => {
        if (error.name !== "NotAllowedError") return;
        this.silenced = SILENCED;
        this.#call.heedSilence();
        const play = () => this.#audio.play().then(() => (this.silenced = ""), () => {});
        addEventListener("pointerdown", play, { once: true });
      });
    }

    mute(isMuted) {
      this.isMuted = isMuted;
      this.#apply();
    }

    hold(isHeld) {
      this.isHeld = isHeld;
      this.letUp();
    }

    // Whether the button was down until now.
    letUp() {
      const wasPressed = this.#isPressed;
      this.#isPressed = false;
      this.#apply();
      return wasPressed;
    }

    // Whether the person is heard while they hold the button; who is muted is told so.
    mayBePressed() {
      if (this.isHeld && this.isMuted) this.#call.notice(HEARD_NOTHING);
      return this.isHeld && !this.isMuted;
    }

    press() {
      this.#isPressed = true;
      this.pressedAt = this.#call.now();
      this.#apply();
    }

    async useMicrophone(deviceId) {
      try {
        await this.#changeMicrophone(deviceId);
        Aisha.devices.remember("audioinput", deviceId);
      } catch (error) {
        this.#call.notice(error.message);
      }
    }

    async useLoudspeaker(deviceId) {
      await this.#changeLoudspeaker(() => this.#loudspeaker.use(deviceId));
    }

    async askForLoudspeaker() {
      await this.#changeLoudspeaker(() => this.#loudspeaker.ask());
    }

    async tellDevices() {
      const [microphones, loudspeakers] = await Promise.all([this.#microphone.devices(), this.#loudspeaker.devices()]);
      this.#call.tellDevices({ microphones, loudspeakers });
    }

    #apply() {
      this.#microphone.turn(!this.isMuted && (!this.isHeld || this.#isPressed));
    }

    // It was unplugged, or taken away: another one is taken, or the call goes on with what is typed.
    async #lacksMicrophone() {
      try {
        await this.#changeMicrophone();
        this.#call.notice("The microphone went away. Another one is used now.");
      } catch (error) {
        this.#call.notice(`The microphone went away. ${error.message}`);
      }
    }

    async #changeMicrophone(deviceId = "") {
      if (!(await this.#microphone.change(deviceId, (track) => this.#call.connection?.replaceTrack(track)))) return;
      this.#call.note("aisha.device", { kind: "microphone" });
      this.tellDevices();
    }

    async #changeLoudspeaker(change) {
      try {
        if ((await change()) !== false) this.#call.note("aisha.device", { kind: "loudspeaker" });
      } catch {
        this.#call.notice("This loudspeaker could not be used. AiSHA is heard from the one before.");
      }
      this.tellDevices();
    }

    #heedLoudspeakers(isGone) {
      if (isGone) {
        this.#call.note("aisha.device", { kind: "loudspeaker" });
        this.#call.notice("The loudspeaker went away. The usual one is used now.");
      }
      this.tellDevices();
    }
  }

  Aisha.Sound = Sound;
})();
