// Asking the server from a call: JSON both ways, and refusals with their code.
(() => {
  "use strict";
  const AI = "/api/ai";
  // A proposal is checked, and a provider waited for; who waits longer waits for nothing.
  const ANSWER_WITHIN_MS = 20_000;
  const SIGNED_OUT = "You are signed out: the call has ended.";
  // Whoever signs in anew, in another tab, makes the tokens of pages that are open worthless; and a call is another
  // person's to nobody.
  const SIGNED_IN_ANEW = "Somebody has signed in here meanwhile: the call has ended. Load the page again.";

  class CallError extends Error {
    // `isPassing`: the same may be answered when it is asked again.
    // `reason`: why a call is over.
    // `shutOut`: what to tell the person whose call is over because this page is let in no more; else empty.
    constructor(message, { code = "", reason = "", retryAfterS = 0, isPassing = false, shutOut = "" } = {}) {
      super(message);
      this.code = code;
      this.reason = reason;
      this.retryAfterS = retryAfterS;
      this.isPassing = isPassing;
      this.shutOut = shutOut;
    }
  }

  // An answer without a code is none of AiSHA's, and may be another one the next time.
  function shutOut(status, answer) {
    if (!answer?.code) return "";
    if (["csrf_failed", "session_not_found"].includes(answer.code)) return SIGNED_IN_ANEW;
    if (status === 401) return SIGNED_OUT;
    return status === 403 ? answer.title : "";
  }

  // With `isLast` it is sent even when the page goes.
  async function ask(path, { method = "POST", body, isLast = false } = {}) {
    let response;
    let answer = null;
    try {
      response = await fetch(`${AI}${path}`, {
        method,
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": Aisha.csrfToken() },
        body: body === undefined ? undefined : JSON.stringify(body),
        keepalive: isLast,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      if (response.status !== 204) answer = await response.json();
    } catch {
      if (!response || response.ok) throw new CallError("AiSHA was not reached. Try again.", { code: "not_reached", isPassing: true });
    }
    if (response.ok) return answer;
    throw new CallError(answer?.title ?? "AiSHA did not answer. Try again.", {
      code: answer?.code ?? `status_${response.status}`,
      reason: answer?.reason ?? "",
      retryAfterS: Number(response.headers.get("Retry-After") ?? 0),
      isPassing: response.status >= 500 || [408, 409, 429].includes(response.status),
      shutOut: shutOut(response.status, answer),
    });
  }

  // What lets the page into a call. `note` is told how long it took, and what came of it.
  async function askForToken(body, note) {
    const began = performance.now();
    const tell = (outcome) => note({ ms: performance.now() - began, ...outcome });
    try {
      const token = await ask("/realtime-token", { body });
      tell({ status: 201 });
      return token;
    } catch (error) {
      tell({ code: error.code });
      throw error;
    }
  }

  Aisha.CallError = CallError;
  Aisha.askForToken = askForToken;
  Aisha.askRealtime = ask;
})();
