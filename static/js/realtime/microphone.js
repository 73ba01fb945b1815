// By which microphone a person is heard in a call, and whether it is on. It may be unplugged, and another one chosen.
(() => {
  "use strict";
  const { CallError } = Aisha;
  const KIND = "audioinput";

  async function streamOf(deviceId) {
    if (!navigator.mediaDevices?.getUserMedia) throw new CallError("This browser gives no page a microphone here. Type instead.", { code: "no_microphone" });
    try {
      return await Aisha.devices.listen(deviceId);
    } catch (error) {
      throw new CallError(Aisha.devices.whyNot(error), { code: error.name });
    }
  }

  const stop = (stream) => {
    for (const track of stream?.getTracks() ?? []) track.stop();
  };

  class Microphone {
    #stream = null;
    #isOn = true;
    #isClosed = false;

    // `onGone` is called where it was unplugged, or taken away.
    constructor(onGone) {
      this.onGone = onGone;
    }

    get stream() {
      return this.#stream;
    }

    get tracks() {
      return this.#stream?.getAudioTracks().filter(({ readyState }) => readyState === "live") ?? [];
    }

    get deviceId() {
      return this.#stream?.getAudioTracks()[0]?.getSettings().deviceId ?? "";
    }

    async open(deviceId = "") {
      this.#listenTo(await streamOf(deviceId));
    }

    // `use` is told of the other one's track before the one before is stopped. False where the call is over by then.
    async change(deviceId, use) {
      const chosen = await streamOf(deviceId);
      if (this.#isClosed) {
        stop(chosen);
        return false;
      }
      const before = this.#stream;
      this.#listenTo(chosen);
      await use(chosen.getAudioTracks()[0]);
      stop(before);
      return true;
    }

    turn(isOn) {
      this.#isOn = isOn;
      for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = isOn;
    }

    async devices() {
      return { used: this.deviceId, devices: await Aisha.devices.of(KIND) };
    }

    close() {
      this.#isClosed = true;
      stop(this.#stream);
    }

    #listenTo(stream) {
      this.#stream = stream;
      for (const track of stream.getTracks()) track.onended = () => this.#lose(stream);
      this.turn(this.#isOn);
    }

    #lose(gone) {
      if (this.#isClosed || gone !== this.#stream) return;
      this.#stream = null;
      this.onGone();
    }
  }

  Aisha.Microphone = Microphone;
})();
