// One call at a time, over all tabs of this browser.
(() => {
  "use strict";
  const { CallError } = Aisha;

  class Line {
    #release = null;

    // The page before may still let go of it: it is waited for as long as `withinMs`.
    async take(withinMs = 0) {
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

    release() {
      this.#release?.();
    }
  }

  Aisha.Line = Line;
})();
