// What a browser measures of a connection: round trip, jitter, losses, and bits a second since it was measured last.
(() => {
  "use strict";

  // Some lost packets nobody hears, because Opus fills them in; from one in ten on there are gaps. Of few packets
  // nothing is told.
  const POOR_FROM = 0.1;
  const LEAST_PACKETS = 50;

  class Statistics {
    #peer;
    #last = null;
    // Whether so much was lost since it was measured last that it is heard.
    isPoor = false;

    constructor(peer) {
      this.#peer = peer;
    }

    async measure() {
      const stats = { rtt_ms: null, jitter_ms: null, lost: 0, received: 0, bitrate_in_bps: null, bitrate_out_bps: null };
      let bytesIn = 0;
      let bytesOut = 0;
      for (const report of (await this.#peer.getStats()).values()) {
        if (report.type === "candidate-pair" && report.nominated) {
          if (report.currentRoundTripTime !== undefined) stats.rtt_ms = report.currentRoundTripTime * 1_000;
        } else if (report.type === "inbound-rtp" && report.kind === "audio") {
          stats.jitter_ms = (report.jitter ?? 0) * 1_000;
          stats.lost = report.packetsLost ?? 0;
          stats.received = report.packetsReceived ?? 0;
          bytesIn = report.bytesReceived ?? 0;
        } else if (report.type === "outbound-rtp" && report.kind === "audio") bytesOut = report.bytesSent ?? 0;
      }
      const at = performance.now();
      if (this.#last) {
        const seconds = (at - this.#last.at) / 1_000;
        stats.bitrate_in_bps = Math.max(0, Math.round(((bytesIn - this.#last.bytesIn) * 8) / seconds));
        stats.bitrate_out_bps = Math.max(0, Math.round(((bytesOut - this.#last.bytesOut) * 8) / seconds));
        const lost = stats.lost - this.#last.lost;
        const sent = lost + stats.received - this.#last.received;
        this.isPoor = sent >= LEAST_PACKETS && lost / sent >= POOR_FROM;
      }
      this.#last = { at, bytesIn, bytesOut, lost: stats.lost, received: stats.received };
      return stats;
    }
  }

  Aisha.Statistics = Statistics;
})();
