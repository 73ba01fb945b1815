// From which loudspeaker AiSHA is heard in a call, where the browser lets a page choose one. The choice is remembered;
// one that goes away is replaced by the browser's usual one.
(() => {
  "use strict";
  const KIND = "audiooutput";
  const USUAL = ["", "default"];

  async function listed() {
    return (await Aisha.devices.of(KIND)).filter(({ deviceId }) => deviceId);
  }

  class Loudspeaker {
    #audio;
    #onChange;
    #isClosed = false;
    #hear = () => this.#look();

    // `onChange({isGone})` is called when a device comes or goes; `isGone` where it was the chosen one.
    constructor(audio, onChange) {
      this.#audio = audio;
      this.#onChange = onChange;
    }

    static get canChoose() {
      return "setSinkId" in HTMLMediaElement.prototype && Boolean(navigator.mediaDevices?.enumerateDevices);
    }

    // Some browsers list a loudspeaker only once the person has picked it in a window of theirs.
    static get canAsk() {
      return Loudspeaker.canChoose && "selectAudioOutput" in navigator.mediaDevices;
    }

    get deviceId() {
      return this.#audio.sinkId ?? "";
    }

    // Takes the one that was chosen last, if it is there.
    async open() {
      if (!Loudspeaker.canChoose) return;
      navigator.mediaDevices.addEventListener("devicechange", this.#hear);
      const chosen = Aisha.devices.remembered(KIND);
      if (chosen !== this.deviceId) await this.#audio.setSinkId(chosen).catch(() => {});
    }

    async use(deviceId) {
      await this.#audio.setSinkId(deviceId);
      Aisha.devices.remember(KIND, deviceId);
    }

    // The person picks one in the browser's own window; false where they close it.
    async ask() {
      try {
        const { deviceId } = await navigator.mediaDevices.selectAudioOutput();
        await this.use(deviceId);
        return true;
      } catch (error) {
        if (error.name === "NotAllowedError") return false;
        throw error;
      }
    }

    // Empty where there is no choice.
    async devices() {
      if (!Loudspeaker.canChoose) return { used: "", devices: [], canAsk: false };
      const devices = await listed();
      const { canAsk } = Loudspeaker;
      const isUsualListed = devices.some(({ deviceId }) => deviceId === "default");
      // It can be taken again where the browser does not list it, too.
      if ((devices.length || canAsk) && !isUsualListed) devices.unshift({ deviceId: "", label: "The usual one" });
      return { used: this.deviceId || (isUsualListed ? "default" : ""), devices, canAsk };
    }

    close() {
      this.#isClosed = true;
      navigator.mediaDevices?.removeEventListener("devicechange", this.#hear);
    }

    async #look() {
      const used = this.deviceId;
      const devices = await listed();
      if (this.#isClosed) return;
      const isGone = !USUAL.includes(used) && !devices.some(({ deviceId }) => deviceId === used);
      // It is remembered: plugged in again, the next call has it.
      if (isGone) await this.#audio.setSinkId("").catch(() => {});
      this.#onChange({ isGone });
    }
  }

  Aisha.Loudspeaker = Loudspeaker;
})();
