// Asking the server from a call: JSON both ways, and refusals with their code.
(() => {
  "use strict";
  const AI = "/api/ai";
  // A proposal is checked, and a provider waited for; who waits longer waits for nothing.
  const ANSWER_WITHIN_MS = 20_000;

  class CallError extends Error {
    // `isPassing`: the same may be answered when it is asked again.
    // `reason`: why a call is over.
    constructor(message, { code = "", reason = "", retryAfterS = 0, isPassing = false } = {}) {
      super(message);
      this.code = code;
      this.reason = reason;
      this.retryAfterS = retryAfterS;
      this.isPassing = isPassing;
    }
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
    });
  }

  Aisha.CallError = CallError;
  Aisha.askRealtime = ask;
})();
