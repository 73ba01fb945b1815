// The controls of a call: fetched from the server where they are for this person, and put where the page's first
// [data-voice-slot] stands, outside of whatever is swapped. A call outlives the page: the next one of the tab takes it up.
(() => {
  "use strict";
  const WARNINGS = {
    cost: () => "This call comes near its cost limit, and ends there.",
    month: () => "Your company comes near its limit for calls this month, and this call ends there.",
    length: (left) => `This call ends in ${left} seconds.`,
    idle: (left) => `Nobody is saying anything: the call ends in ${left} seconds.`,
  };
  // What a page that was left in a call told the next one of its tab.
  const LEFT = "aisha-call";
  const PERSON = "aisha-person";
  const COMING_BACK = "Coming back to your call…";
  window.Aisha = window.Aisha ?? {};
  let call = null;
  let scripts = null;
  let isInside = false;
  // Whether the call of the page before is on its way here.
  let isReturning = false;
  // Whether the last that was said warns of silence, and is over as soon as anybody speaks.
  let isOfSilence = false;

  const slotOf = () => document.querySelector("[data-voice-slot]");
  const controls = () => slotOf()?.querySelector("[data-voice]");
  const part = (name) => slotOf()?.querySelector(`[data-voice-${name}]`);
  const panel = () => document.querySelector("[data-assistant-panel]");
  const isMuted = () => part("mute").getAttribute("aria-pressed") === "true";
  const isLive = () => Boolean(call) && call.state !== "ended";
  const say = (words, warning = {}) => {
    part("state").textContent = words;
    isOfSilence = Boolean(warning.isOfSilence);
  };

  // --- what a closed drawer does not show ----------------------------------------------------

  const tellInPage = (level, text) => document.dispatchEvent(new CustomEvent("aisha:message", { detail: { level, text, about: "call" } }));
  const isToldInPage = () => Boolean(document.querySelector("[data-message][data-about='call']"));

  function warn(words, warning) {
    say(words, warning);
    if (!isShown()) tellInPage("warning", words);
  }

  // `was`: the state before. Whoever goes to another page is not told that the call comes along.
  function tellOfState({ state, words }, was) {
    if (isShown()) return;
    if (state === "ended" || (state === "lost" && was === "live")) tellInPage("warning", words);
    else if (state === "live" && isToldInPage()) tellInPage("info", words);
  }

  function leaveItToDrawer() {
    if (isShown()) tellInPage("", "");
  }

  // --- a call that was left ------------------------------------------------------------------

  function whatWasLeft() {
    const left = JSON.parse(sessionStorage.getItem(LEFT) ?? "null");
    if (left && left.until > Date.now()) return left;
    sessionStorage.removeItem(LEFT);
    return null;
  }

  function isShown() {
    const slot = slotOf();
    return Boolean(slot) && (slot.closest("dialog")?.open ?? true);
  }

  function leave() {
    removeEventListener("beforeunload", askBefore);
    if (!isLive()) return;
    const left = call.leave();
    if (left) sessionStorage.setItem(LEFT, JSON.stringify({ ...left, isShown: isShown() }));
    call = null;
  }

  async function comeBack() {
    const slot = slotOf();
    // Whoever has signed out is not called any more.
    if (!document.documentElement.classList.contains("has-app")) sessionStorage.removeItem(LEFT);
    const left = whatWasLeft();
    if (!left || !slot) return;
    tellOpeners(COMING_BACK);
    if (left.isShown && slot.closest("dialog")) {
      document.dispatchEvent(new CustomEvent("aisha:call-returns", { detail: { conversation: left.session.conversation } }));
    }
    await fill(slot);
    if (!controls() || isLive()) {
      tellOpeners("");
      offerTheWayBack(slot);
      return;
    }
    sessionStorage.removeItem(LEFT);
    part("hold").checked = left.isHeld;
    part("mute").setAttribute("aria-pressed", String(left.isMuted));
    call = new Aisha.Call({ on, audio: part("audio") });
    isReturning = true;
    call.comeBack(left);
  }

  // A provider that one page alone can reach: the call waits there.
  function offerTheWayBack(slot) {
    const way = slot.querySelector("[data-voice-elsewhere]");
    if (way) way.hidden = false;
  }

  // Pages of ours take the call up again; whoever closes the tab, or goes elsewhere, is asked.
  function askBefore(event) {
    const wasInside = isInside;
    isInside = false;
    if (!call?.isUnderWay) return;
    const goesOn = document.querySelector("[data-assistant-open], [data-assistant]") && !("hereAlone" in controls().dataset);
    if (!(wasInside && goesOn)) event.preventDefault();
  }

  window.navigation?.addEventListener("navigate", ({ destination, downloadRequest }) => {
    if (!destination.sameDocument && downloadRequest === null) isInside = new URL(destination.url).origin === location.origin;
  });
  addEventListener("pagehide", leave);
  // A page that the browser has kept whole.
  addEventListener("pageshow", ({ persisted }) => persisted && comeBack());

  // --- who is here ---------------------------------------------------------------------------

  // Whose page this is. Where it is another's than the one before, in any tab of this browser, a call asks at once
  // whether it may go on.
  function tellWhoIsHere() {
    try {
      const who = document.body.dataset.person ?? "";
      if (localStorage.getItem(PERSON) !== who) localStorage.setItem(PERSON, who);
    } catch {
      // Storage is off: the call finds it out a little later.
    }
  }
  addEventListener("storage", ({ key }) => key === PERSON && call?.askServer());

  // --- the controls --------------------------------------------------------------------------

  // What a call needs is large, and most pages see none: it comes with the controls.
  async function load(addresses) {
    const loaded = addresses.trim().split(/\s+/).map(
      (address) =>
        new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = address;
          // All are fetched at once, and run one after the other.
          script.async = false;
          script.onload = resolve;
          script.onerror = reject;
          document.head.append(script);
        }),
    );
    await Promise.all(loaded);
  }

  const filling = new WeakMap();

  function fill(slot) {
    if (!filling.has(slot)) filling.set(slot, fetchControls(slot));
    return filling.get(slot);
  }

  async function fetchControls(slot) {
    try {
      const here = "voiceNow" in slot.dataset ? "?here=1" : "";
      const response = await fetch(`/realtime/voice/${here}`, { headers: { "HX-Request": "true" } });
      if (response.status !== 200 || response.redirected) return;
      const parts = new DOMParser().parseFromString(await response.text(), "text/html");
      // Where the provider can be reached from another page alone there is a link to that page.
      const fetched = parts.querySelector("[data-voice]");
      if (fetched) await (scripts ??= load(fetched.dataset.scripts));
      slot.replaceChildren(...parts.body.children);
      if (fetched) connect();
    } catch {
      // Without a network there is no call either; who opens the drawer next asks again.
      scripts = null;
      filling.delete(slot);
    }
  }

  // What stands on the button that opens the drawer, which may be closed.
  function wordsOfCall() {
    if (!isLive()) return "";
    if (isReturning) return COMING_BACK;
    if (call.state === "lost") return "Connection lost";
    if (call.state !== "live") return "Calling…";
    return isMuted() ? "In a call, muted" : "In a call";
  }

  function tellOpeners(words) {
    for (const opener of document.querySelectorAll("[data-assistant-open]")) {
      const word = opener.querySelector(".assistant-open-word");
      opener.dataset.word ??= word.textContent;
      opener.toggleAttribute("data-in-call", Boolean(words));
      opener.toggleAttribute("data-call-lost", call?.state === "lost" && !isReturning);
      word.textContent = words || opener.dataset.word;
    }
  }

  function show() {
    const live = isLive();
    part("start").hidden = live;
    for (const name of ["mute", "end", "options"]) part(name).hidden = !live;
    part("push").hidden = !live || !part("hold").checked;
    part("muted").hidden = !live || !isMuted();
    tellOpeners(wordsOfCall());
    showWhere();
  }

  // Which conversation the call belongs to: the one in sight, or another.
  function showWhere() {
    const where = part("where");
    if (!where) return;
    const conversation = isLive() ? call.conversation : null;
    where.hidden = !conversation || !document.querySelector("[data-assistant]");
    if (where.hidden) return;
    const isHere = panel()?.dataset.conversation === String(conversation);
    const link = document.createElement("a");
    link.href = `/assistant/conversations/${conversation}/`;
    link.dataset.assistantConversation = conversation;
    link.textContent = call.title || "the one in which it began";
    // A page for talking alone shows no conversation that it could be another one than.
    const isBeside = slotOf().closest("[data-assistant]");
    const elsewhere = isBeside ? "This call belongs to another conversation: " : "What is said is kept in a conversation: ";
    where.replaceChildren(...(isBeside && isHere ? ["This call belongs to the conversation above."] : [elsewhere, link]));
  }

  const on = (name, detail) => {
    if (name === "state") {
      say(detail.words);
      tellOfState(detail, controls().dataset.voiceIs);
      controls().dataset.voiceIs = detail.state;
      if (detail.state !== "lost") isReturning = false;
      show();
      if (detail.state === "ended") removeEventListener("beforeunload", askBefore);
      else addEventListener("beforeunload", askBefore);
    } else if (name === "session") {
      const root = slotOf().closest("[data-assistant]");
      if (detail.isNew) document.dispatchEvent(new CustomEvent("aisha:call-belongs", { detail: { root, conversation: detail.conversation } }));
      showWhere();
    } else if (name === "noticed") warn(detail.words, detail);
    else if (name === "spoken") {
      if (!isOfSilence) return;
      say(detail.words);
      tellInPage("", "");
    } else if (name === "kept") document.dispatchEvent(new CustomEvent("aisha:call-ended", { detail: { conversation: call?.conversation } }));
    else if (name === "caption") addCaption(part("captions"), detail);
    else if (name === "warned") warn(WARNINGS[detail.limit](detail.left_s), { isOfSilence: detail.limit === "idle" });
    else if (name === "devices") showDevices(detail);
    else if (name === "proposed") addProposal(part("captions"), detail);
  };

  function begin() {
    if (isLive()) return;
    part("captions").replaceChildren();
    part("mute").setAttribute("aria-pressed", "false");
    // What the talk is about is what the assistant beside it shows.
    const shown = slotOf().closest("[data-assistant]") ? panel() : null;
    const about = shown?.dataset.record ?? "";
    const conversation = Number(shown?.dataset.conversation) || null;
    call = new Aisha.Call({ on, audio: part("audio"), record: about, conversation });
    if (part("hold").checked) call.hold(true);
    call.start();
    show();
  }

  function connect() {
    part("start").addEventListener("click", begin);
    part("end").addEventListener("click", () => call?.end());
    part("mute").addEventListener("click", ({ currentTarget }) => {
      currentTarget.setAttribute("aria-pressed", String(!isMuted()));
      call?.mute(isMuted());
      show();
    });
    part("hold").addEventListener("change", ({ target }) => {
      call?.hold(target.checked);
      show();
    });
    part("microphone").addEventListener("change", ({ target }) => call?.sound.useMicrophone(target.value));
    part("loudspeaker").addEventListener("change", ({ target }) => call?.sound.useLoudspeaker(target.value));
    part("other-loudspeaker").addEventListener("click", () => call?.sound.askForLoudspeaker());
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

  function addCaption(captions, { speaker, item, at, text, isWhole }) {
    captions.hidden = false;
    let line = captions.querySelector(`[data-item="${CSS.escape(item ?? "")}"]`);
    if (!line) {
      line = document.createElement("p");
      line.className = `voice-caption voice-caption-${speaker}`;
      line.dataset.item = item ?? "";
      line.dataset.at = at;
      // What was written down late stands where it was said.
      const later = [...captions.children].find((other) => Number(other.dataset.at) > at);
      captions.insertBefore(line, later ?? null);
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

  function showDevices({ microphones, loudspeakers }) {
    listDevices(part("microphone"), "Microphone", microphones);
    listDevices(part("loudspeaker"), "Loudspeaker", loudspeakers);
    part("loudspeakers").hidden = !loudspeakers.devices.length;
    part("other-loudspeaker").hidden = !loudspeakers.canAsk;
  }

  function listDevices(select, kind, { used, devices }) {
    select.replaceChildren(
      ...devices.map(({ deviceId, label }, place) => new Option(label || `${kind} ${place + 1}`, deviceId, false, deviceId === used)),
    );
  }

  // While a call goes on, what is typed in its conversation goes into it: whoever sends a message asks first.
  Aisha.sendIntoCall = (text, conversation) => {
    if (!call || call.state !== "live" || String(call.conversation ?? "") !== conversation) return false;
    call.sendText(text);
    return true;
  };

  function fillSlot() {
    const slot = slotOf();
    if (slot) fill(slot);
  }
  document.addEventListener("aisha:assistant-open", fillSlot);
  document.addEventListener("aisha:assistant-drawn", () => {
    leaveItToDrawer();
    showWhere();
  });
  document.addEventListener("DOMContentLoaded", () => {
    tellWhoIsHere();
    if (document.querySelector("[data-voice-slot][data-voice-now]")) fillSlot();
    comeBack();
  });
})();
