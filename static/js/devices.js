// The microphones and loudspeakers of a machine, and which of them a person has chosen in this browser; for calls, and
// for words that are recorded.
(() => {
  "use strict";
  const CHOSEN = { audioinput: "aisha-microphone", audiooutput: "aisha-loudspeaker" };
  const WHY_NOT = {
    NotAllowedError: "The microphone is not allowed on this page. Allow it in the browser’s address bar, or type instead.",
    NotFoundError: "There is no microphone. Plug one in, or type instead.",
    NotReadableError: "The microphone is used by another program. Close it, or type instead.",
  };

  // A browser may keep nothing.
  function remembered(kind) {
    try {
      return localStorage.getItem(CHOSEN[kind]) ?? "";
    } catch {
      return "";
    }
  }

  function remember(kind, deviceId) {
    try {
      localStorage.setItem(CHOSEN[kind], deviceId);
    } catch {
      // Chosen for this time alone.
    }
  }

  // A browser that has not let the page hear anything yet tells neither ids nor names.
  async function of(kind) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((one) => one.kind === kind).map(({ deviceId, label }) => ({ deviceId, label }));
  }

  // The sound of one microphone, or else of the one that was chosen last, if it is there.
  async function listen(deviceId = "") {
    const chosen = remembered("audioinput");
    const wished = deviceId ? { exact: deviceId } : chosen ? { ideal: chosen } : undefined;
    return await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, deviceId: wished } });
  }

  const whyNot = (error) => WHY_NOT[error.name] ?? "The microphone could not be opened. Type instead.";

  window.Aisha = window.Aisha ?? {};
  Aisha.devices = { remembered, remember, of, listen, whyNot };
})();
