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
    const chosen = deviceId || remembered("audioinput");
    // Chromium takes a device that is only preferred for no wish at all.
    const ask = (exact) => navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, ...(exact && { deviceId: { exact } }) } });
    try {
      return await ask(chosen);
    } catch (error) {
      // That of last time may not be plugged in. Who was refused once is not asked again.
      if (deviceId || !chosen || error.name === "NotAllowedError") throw error;
      return await ask("");
    }
  }

  const whyNot = (error) => WHY_NOT[error.name] ?? "The microphone could not be opened. Type instead.";

  window.Aisha = window.Aisha ?? {};
  Aisha.devices = { remembered, remember, of, listen, whyNot };
})();
