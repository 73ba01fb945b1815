// A connection with the voice provider: sound both ways, and the data channel with its events. Each step is noted in the
// telemetry. One that is closed says, and notes, nothing any more.
//
//   state      connecting, connected, disconnected, failed: of the connection as a whole
//   message    the text of an event
//   closed     the other side has closed the channel
//   sound      the stream of what is heard
(() => {
  "use strict";
  const { CallError } = Aisha;
  const CONNECT_WITHIN_MS = 15_000;

  class Connection {
    #on;
    #note;
    #peer = new RTCPeerConnection();
    #channel = null;
    #isClosed = false;

    constructor({ on, note }) {
      this.#on = (name, detail) => this.#isClosed || on(name, detail);
      this.#note = (...told) => this.#isClosed || note(...told);
      this.statistics = new Aisha.Statistics(this.#peer);
    }

    get state() {
      return this.#isClosed ? "closed" : this.#peer.connectionState;
    }

    get isOpen() {
      return !this.#isClosed && this.#channel?.readyState === "open";
    }

    // Resolves when events can be sent.
    async dial(secret, address, microphone) {
      const peer = this.#peer;
      for (const track of microphone.tracks) peer.addTrack(track, microphone.stream);
      // Without a microphone AiSHA is heard all the same, and one can be chosen later.
      if (!microphone.tracks.length) peer.addTransceiver("audio");
      peer.ontrack = ({ streams }) => this.#on("sound", streams[0]);
      peer.oniceconnectionstatechange = () => this.#note("aisha.ice_state", { state: peer.iceConnectionState });
      peer.onconnectionstatechange = () => {
        this.#note("aisha.connection_state", { state: peer.connectionState });
        this.#on("state", peer.connectionState);
      };
      this.#channel = peer.createDataChannel("oai-events");
      this.#channel.onmessage = ({ data }) => this.#on("message", data);
      this.#channel.onclose = () => {
        this.#note("aisha.channel_state", { state: "closed" });
        this.#on("closed");
      };
      const opened = this.#opened();
      // Whoever gave up earlier does not hear of it any more.
      opened.catch(() => {});
      const offer = await peer.createOffer();
      await peer.setLocalDescription(offer);
      this.#note("aisha.offer", {}, { direction: "out", size: offer.sdp.length });
      const sdp = await this.#bring(offer.sdp, secret, address);
      await peer.setRemoteDescription({ type: "answer", sdp });
      await opened;
      this.#goOn();
      this.#note("aisha.channel_state", { state: "open" });
    }

    send(text) {
      this.#channel.send(text);
    }

    // One that ends meanwhile takes none; the next one begins with this microphone.
    async replaceTrack(track) {
      const line = this.#peer.getTransceivers().find(({ receiver }) => receiver.track.kind === "audio");
      await line?.sender.replaceTrack(track).catch(() => {});
    }

    close() {
      this.#isClosed = true;
      this.#peer.close();
    }

    #opened() {
      const [peer, channel] = [this.#peer, this.#channel];
      return new Promise((resolve, reject) => {
        const patience = setTimeout(() => reject(new CallError("No connection could be made in time.", { code: "connect_timeout" })), CONNECT_WITHIN_MS);
        channel.onopen = () => {
          clearTimeout(patience);
          resolve();
        };
        peer.addEventListener("connectionstatechange", () => peer.connectionState === "failed" && reject(new CallError("No connection could be made.", { code: "ice_failed" })));
      });
    }

    // The offer is answered by the provider itself: our server never sees what is said.
    async #bring(offer, secret, address) {
      const began = performance.now();
      const response = await fetch(address, {
        method: "POST",
        headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/sdp" },
        body: offer,
        referrerPolicy: "no-referrer",
      }).catch(() => {
        throw new CallError("The voice provider could not be reached.", { code: "provider_down" });
      });
      const sdp = await response.text();
      this.#goOn();
      if (!response.ok) {
        // A secret lives for a minute or so; a question about the microphone may stand longer.
        const isTooLate = response.status === 401;
        const words = isTooLate ? "The leave for this call ran out before it began. Please call again." : "The voice provider did not take the call.";
        throw new CallError(words, { code: `provider_${response.status}` });
      }
      // The provider's id, where it tells one: by it the server can hang up.
      const call = response.headers.get("Location")?.split("/").pop();
      this.#note("aisha.answer", { ms: performance.now() - began, status: response.status, ...(call && { call }) }, { direction: "in", size: sdp.length });
      return sdp;
    }

    #goOn() {
      if (this.#isClosed) throw new CallError("", { code: "ended" });
    }
  }

  Aisha.Connection = Connection;
})();
