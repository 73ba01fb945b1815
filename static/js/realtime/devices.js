// The microphones and loudspeakers of a machine, and which of them a person has chosen in this browser.
(() => {
  "use strict";
  const CHOSEN = { audioinput: "aisha-microphone", audiooutput: "aisha-loudspeaker" };

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
      // Chosen for this call alone.
    }
  }

  // A browser that has not let the page hear anything yet tells neither ids nor names.
  async function of(kind) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((one) => one.kind === kind).map(({ deviceId, label }) => ({ deviceId, label }));
  }

  Aisha.devices = { remembered, remember, of };
})();
