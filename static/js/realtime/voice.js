// The controls of a call: fetched from the server where they are for this person, and put where [data-voice-slot] stands.
(() => {
  "use strict";
  const WARNINGS = {
    cost: () => "This call comes near its cost limit, and ends there.",
    length: (left) => `This call ends in ${left} seconds.`,
    idle: (left) => `Nobody is saying anything: the call ends in ${left} seconds.`,
  };
  window.Aisha = window.Aisha ?? {};
  let call = null;
  let scripts = null;

  // What a call needs is large, and most pages see none: it comes with the controls.
  async function load(addresses) {
    for (const address of addresses.split(" ")) {
      await new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = address;
        script.onload = resolve;
        script.onerror = reject;
        document.head.append(script);
      });
    }
  }

  async function fill(slot) {
    if (slot.dataset.voiceSlot === "filled") return;
    slot.dataset.voiceSlot = "filled";
    try {
      const here = "voiceNow" in slot.dataset ? "?here=1" : "";
      const response = await fetch(`/realtime/voice/${here}`, { headers: { "HX-Request": "true" } });
      if (response.status !== 200 || response.redirected) return;
      const parts = new DOMParser().parseFromString(await response.text(), "text/html");
      slot.replaceChildren(...parts.body.children);
      // Where the provider can be reached from another page alone there is a link to that page.
      const controls = slot.querySelector("[data-voice]");
      if (!controls) return;
      await (scripts ??= load(controls.dataset.scripts));
      connect(slot);
    } catch {
      // Without a network there is no call either; the next page asks again.
      scripts = null;
      slot.dataset.voiceSlot = "";
    }
  }

  function connect(slot) {
    const part = (name) => slot.querySelector(`[data-voice-${name}]`);
    const say = (words) => (part("state").textContent = words);
    const isLive = () => call && call.state !== "ended";

    function show() {
      const live = Boolean(isLive());
      part("start").hidden = live;
      for (const name of ["mute", "end", "options"]) part(name).hidden = !live;
      part("push").hidden = !live || !part("hold").checked;
      slot.closest("[data-assistant]")?.toggleAttribute("data-in-call", live);
    }

    const on = (name, detail) => {
      if (name === "state") {
        say(detail.words);
        slot.querySelector("[data-voice]").dataset.voiceIs = detail.state;
        show();
        if (detail.state === "ended") document.dispatchEvent(new CustomEvent("aisha:call-ended", { detail: { conversation: call?.conversation } }));
      } else if (name === "caption") addCaption(part("captions"), detail);
      else if (name === "warned") say(WARNINGS[detail.limit](detail.left_s));
      else if (name === "devices") listDevices(part("device"), detail);
      else if (name === "proposed") addProposal(part("captions"), detail);
    };

    part("start").addEventListener("click", () => {
      if (isLive()) return;
      part("captions").replaceChildren();
      part("mute").setAttribute("aria-pressed", "false");
      const about = slot.closest("[data-record]")?.dataset.record ?? "";
      const conversation = Number(slot.closest("[data-conversation]")?.dataset.conversation) || null;
      call = new Aisha.Call({ on, audio: part("audio"), record: about, conversation });
      if (part("hold").checked) call.hold(true);
      call.start();
      show();
    });
    part("end").addEventListener("click", () => call?.end());
    part("mute").addEventListener("click", ({ currentTarget }) => {
      const isMuted = currentTarget.getAttribute("aria-pressed") !== "true";
      currentTarget.setAttribute("aria-pressed", String(isMuted));
      call?.mute(isMuted);
    });
    part("hold").addEventListener("change", ({ target }) => {
      call?.hold(target.checked);
      show();
    });
    part("device").addEventListener("change", ({ target }) => call?.useDevice(target.value));
    const push = part("push");
    push.addEventListener("pointerdown", (event) => {
      push.setPointerCapture(event.pointerId);
      call?.press();
    });
    for (const name of ["pointerup", "pointercancel"]) push.addEventListener(name, () => call?.release());
    push.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) call?.press();
    });
    // A key or a pointer that goes up elsewhere is not heard of here.
    addEventListener("blur", () => call?.release());
    push.addEventListener("keyup", (event) => (event.key === " " || event.key === "Enter") && call?.release());
    show();
  }

  function addCaption(captions, { speaker, item, text, isWhole }) {
    captions.hidden = false;
    let line = captions.querySelector(`[data-item="${CSS.escape(item ?? "")}"]`);
    if (!line) {
      line = document.createElement("p");
      line.className = `voice-caption voice-caption-${speaker}`;
      line.dataset.item = item ?? "";
      captions.append(line);
    }
    line.textContent = isWhole ? text : line.textContent + text;
    captions.scrollTop = captions.scrollHeight;
  }

  function addProposal(captions, { suggestion, title }) {
    captions.hidden = false;
    const line = document.createElement("p");
    line.className = "voice-caption voice-proposal";
    line.append("Proposed, and waiting for you: ");
    const link = document.createElement("a");
    link.href = `/suggestions/${suggestion}/`;
    link.textContent = title ?? "open it";
    line.append(link);
    captions.append(line);
    captions.scrollTop = captions.scrollHeight;
  }

  function listDevices(select, { used, devices }) {
    select.replaceChildren(
      ...devices.map(({ deviceId, label }, place) => new Option(label || `Microphone ${place + 1}`, deviceId, false, deviceId === used)),
    );
  }

  // While a call goes on, what is typed goes into it: whoever sends a message asks first.
  Aisha.sendIntoCall = (text) => {
    if (!call || call.state !== "live") return false;
    call.sendText(text);
    return true;
  };

  // Another page ends the call.
  addEventListener("beforeunload", (event) => {
    if (call && ["connecting", "live", "lost"].includes(call.state)) event.preventDefault();
  });

  function fillAll() {
    for (const slot of document.querySelectorAll("[data-voice-slot]")) fill(slot);
  }
  document.addEventListener("aisha:assistant-open", fillAll);
  document.addEventListener("DOMContentLoaded", () => document.querySelector("[data-voice-slot][data-voice-now]") && fillAll());
})();
