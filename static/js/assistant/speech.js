// Speech for the assistant without a call: words are recorded while a button is held, come back as text and wait in
// the composer; answers are read aloud by the browser.
(() => {
  "use strict";
  const TYPES = ["audio/webm;codecs=opus", "audio/webm", "audio/mp4", "audio/ogg"];
  // A shorter press is a click by mistake.
  const SHORTEST_MS = 300;
  const LONGEST_MS = 300_000;
  const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

  let held = null;

  function tell(root, words) {
    const notice = root.querySelector("[data-assistant-notice]");
    notice.textContent = words;
    notice.hidden = !words;
  }

  function show(button, words) {
    button.querySelector("[data-assistant-record-word]").textContent = words;
    button.classList.toggle("button-recording", words !== "Hold to speak");
  }

  async function hold(button) {
    if (held) return;
    const root = button.closest("[data-assistant]");
    const mine = (held = { button, root, pieces: [], isReleased: false, began: performance.now() });
    tell(root, "");
    show(button, "Listening");
    try {
      mine.stream = await Aisha.devices.listen();
    } catch (error) {
      tell(root, Aisha.devices.whyNot(error));
      finish(mine);
      return;
    }
    if (mine.isReleased) {
      finish(mine);
      return;
    }
    const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    mine.recorder = new MediaRecorder(mine.stream, type ? { mimeType: type } : {});
    mine.recorder.addEventListener("dataavailable", (event) => mine.pieces.push(event.data));
    mine.recorder.addEventListener("stop", () => transcribe(mine));
    mine.recorder.start();
    mine.limit = setTimeout(release, LONGEST_MS);
  }

  function release() {
    if (!held || held.isReleased) return;
    held.isReleased = true;
    clearTimeout(held.limit);
    if (held.recorder?.state === "recording") held.recorder.stop();
  }

  function finish(one) {
    for (const track of one.stream?.getTracks() ?? []) track.stop();
    show(one.button, "Hold to speak");
    if (held === one) held = null;
  }

  async function transcribe(one) {
    const { root } = one;
    const isTooShort = performance.now() - one.began < SHORTEST_MS;
    for (const track of one.stream.getTracks()) track.stop();
    try {
      if (isTooShort) return tell(root, "Hold the button while you speak.");
      show(one.button, "Writing it down");
      const composer = root.querySelector("[data-assistant-composer]");
      const form = new FormData();
      form.append("csrfmiddlewaretoken", composer.elements.csrfmiddlewaretoken.value);
      form.append("recording", new Blob(one.pieces, { type: one.recorder.mimeType.split(";")[0] }), "speech");
      const response = await fetch(composer.dataset.transcriptions, { method: "POST", body: form, headers: { Accept: "application/json" } });
      const told = await response.json().catch(() => ({}));
      if (!response.ok || !told.text) return tell(root, told.title ?? "AiSHA did not answer. Try again, or type instead.");
      const box = composer.elements.text;
      box.value = [box.value.trim(), told.text].filter(Boolean).join(" ");
      composer.elements.origin.value = "voice";
      box.focus();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      tell(root, navigator.onLine ? "The server was not reached. Try again, or type instead." : "You are offline: nothing was sent.");
    } finally {
      finish(one);
    }
  }

  const recordButton = (event) => event.target.closest?.("[data-assistant-record]");
  document.addEventListener("pointerdown", (event) => {
    const button = recordButton(event);
    if (!button || event.button !== 0) return;
    button.setPointerCapture?.(event.pointerId);
    hold(button);
  });
  for (const name of ["pointerup", "pointercancel", "blur"]) window.addEventListener(name, release);
  document.addEventListener("keydown", (event) => {
    const button = recordButton(event);
    if (!button || event.repeat || ![" ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    hold(button);
  });
  document.addEventListener("keyup", (event) => {
    if ([" ", "Enter"].includes(event.key)) release();
  });

  // --- reading aloud -------------------------------------------------------------------------

  let speaking = null;

  function hush() {
    speechSynthesis.cancel();
    speaking?.setAttribute("aria-pressed", "false");
    speaking = null;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-assistant-speak]");
    if (!button) return;
    const again = speaking === button;
    hush();
    if (again) return;
    const said = button.closest("article").querySelector("[data-assistant-said]").cloneNode(true);
    for (const mark of said.querySelectorAll(".cite")) mark.remove();
    const spoken = new SpeechSynthesisUtterance(said.textContent.replace(/\s+/g, " ").trim());
    spoken.addEventListener("end", () => speaking === button && hush());
    speaking = button;
    button.setAttribute("aria-pressed", "true");
    speechSynthesis.speak(spoken);
  });

  document.addEventListener("aisha:assistant-drawn", ({ detail: { root } }) => {
    for (const button of root.querySelectorAll("[data-assistant-record]")) button.hidden = !canRecord();
    for (const button of root.querySelectorAll("[data-assistant-speak]")) button.hidden = !("speechSynthesis" in window);
  });
})();
