// The assistant: a drawer on every page, and the page of its own. [data-assistant] holds a panel that the server
// draws; answers come as lines of JSON while they are made, and are drawn by the server once they are whole.
(() => {
  "use strict";
  const LINES = "application/x-ndjson";
  const REMEMBERED = "aisha-conversation";
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  const OFFLINE = "You are offline: nothing was sent, and what you have typed is still here.";
  const UNREACHED = "The server was not reached. Check the connection, then try again.";
  const SIGNED_OUT = "You have been signed out. Reload the page and sign in again.";

  class Refused extends Error {}

  const element = (tag, className, text = "") => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  };
  const partsOf = (html) => [...new DOMParser().parseFromString(html, "text/html").body.children];
  const rootOf = (node) => node.closest?.("[data-assistant]");
  const part = (root, name) => root.querySelector(`[data-assistant-${name}]`);
  const drawer = () => document.querySelector("[data-assistant-drawer]");

  // --- asking the server ---------------------------------------------------------------------

  async function send(address, { form = null, accept = "application/json", signal } = {}) {
    const options = { credentials: "same-origin", headers: { Accept: accept }, signal };
    if (form) Object.assign(options, { method: "POST", body: form });
    let response;
    try {
      response = await fetch(address, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused(navigator.onLine ? UNREACHED : OFFLINE);
    }
    if (response.redirected && new URL(response.url).pathname.startsWith("/sign-in")) throw new Refused(SIGNED_OUT);
    if (!response.ok) {
      const told = await response.json().catch(() => ({}));
      throw new Refused(told.title ?? `AiSHA did not answer (error ${response.status}). Try again.`);
    }
    return response;
  }

  const fragment = async (address) => partsOf(await (await send(address, { accept: "text/html, application/json" })).text());

  function tell(root, words) {
    const notice = part(root, "notice");
    if (!notice) return;
    notice.textContent = words;
    notice.hidden = !words;
  }

  async function trying(root, work) {
    try {
      await work();
    } catch (error) {
      if (error instanceof Refused) tell(root, error.message);
      else if (error.name !== "AbortError") throw error;
    }
  }

  // --- the panel -----------------------------------------------------------------------------

  async function load(root, { conversation = "", record = "" } = {}) {
    const query = new URLSearchParams();
    if (conversation) query.set("conversation", conversation);
    if (record) query.set("record", record);
    const panel = await fragment(`${root.dataset.panel}?${query}`);
    // A drawer that has opened by itself takes no focus.
    const takesFocus = !root.matches("dialog:not(:modal)") || root.contains(document.activeElement);
    swap(root, ...panel);
    ready(root, { takesFocus });
    document.dispatchEvent(new CustomEvent("aisha:assistant-open"));
  }

  // The controls of a call stay.
  function swap(root, ...drawn) {
    if (!root.matches("dialog")) return part(root, "panel").replaceWith(...drawn);
    for (const old of [...root.children]) if (!old.matches("[data-voice-slot]")) old.remove();
    root.prepend(...drawn);
  }

  function ready(root, { takesFocus = true } = {}) {
    const key = part(root, "key");
    if (key && isMac) key.textContent = "⌘J";
    const thread = part(root, "thread");
    thread.scrollTop = thread.scrollHeight;
    remember(root, part(root, "panel").dataset.conversation);
    document.dispatchEvent(new CustomEvent("aisha:assistant-drawn", { detail: { root } }));
    if (takesFocus) part(root, "composer").elements.text.focus();
  }

  function remember(root, conversation) {
    if (!root.matches("dialog")) return;
    if (conversation) sessionStorage.setItem(REMEMBERED, conversation);
    else sessionStorage.removeItem(REMEMBERED);
  }

  // With `isByItself` the page stays in use beside it: somebody comes back to a call.
  async function open({ isByItself = false } = {}) {
    const root = drawer();
    if (!root || root.open) return part(document, "composer")?.elements.text.focus();
    if (!part(root, "panel")) swap(root, element("p", "assistant-notice", "Opening…"));
    if (isByItself) root.setAttribute("open", "");
    else root.showModal();
    if (part(root, "panel")) return ready(root, { takesFocus: !isByItself });
    try {
      await load(root, { conversation: sessionStorage.getItem(REMEMBERED) ?? "", record: root.dataset.pageRecord });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const close = element("button", "button", "Close");
      close.type = "button";
      close.dataset.assistantClose = "";
      swap(root, element("p", "assistant-notice", error.message), close);
    }
  }

  // --- saying something ----------------------------------------------------------------------

  const underWay = new WeakMap();

  async function say(root, words) {
    const composer = part(root, "composer");
    const text = words.trim();
    if (!text) return;
    // While a call goes on, what is typed in its conversation is said in it.
    if (window.Aisha?.sendIntoCall?.(text, part(root, "panel").dataset.conversation)) return clear(root);
    if (underWay.has(root)) return tell(root, "I am still answering. Stop it, or send this afterwards.");
    const stop = new AbortController();
    underWay.set(root, stop);
    busy(root, true);
    tell(root, "");
    try {
      const conversation = await conversationOf(root, composer);
      const form = new FormData(composer);
      form.set("text", text);
      await stream(root, `${composer.dataset.begin}${conversation}/messages/`, form, text, stop.signal);
    } catch (error) {
      if (error instanceof Refused) {
        // What was typed stays: it was not answered.
        if (!composer.elements.text.value) composer.elements.text.value = text;
        tell(root, error.message);
      } else if (error.name !== "AbortError") throw error;
    } finally {
      underWay.delete(root);
      busy(root, false);
    }
  }

  async function conversationOf(root, composer) {
    const panel = part(root, "panel");
    if (panel.dataset.conversation) return panel.dataset.conversation;
    const form = new FormData(composer);
    form.delete("text");
    const { conversation } = await (await send(composer.dataset.begin, { form })).json();
    panel.dataset.conversation = conversation;
    remember(root, conversation);
    return conversation;
  }

  function busy(root, is) {
    part(root, "stop").hidden = !is;
    part(root, "send").disabled = is;
  }

  async function stream(root, address, form, text, signal) {
    const thread = part(root, "thread");
    const answer = element("article", "bubble bubble-assistant bubble-working");
    const state = element("p", "bubble-state small muted", "Reading your message");
    const said = element("div", "bubble-text");
    const response = await send(address, { form, accept: LINES, signal });
    part(root, "empty")?.remove();
    const question = element("article", "bubble bubble-person");
    question.append(element("p", "bubble-text break", text));
    answer.append(said, state);
    thread.append(question, answer);
    clear(root);
    follow(thread);
    try {
      for await (const step of steps(response)) {
        if (step.step === "working") state.textContent = step.label;
        else if (step.step === "said") said.append(element("p", "break", step.text));
        else if (step.step === "failed") failed(answer, state, step.message);
        else if (step.step === "done") answer.replaceWith(...(await fragment(`/assistant/messages/${step.message}/`)));
        follow(thread);
        // What is kept is all of it: nothing more comes.
        if (["done", "failed"].includes(step.step)) break;
      }
      if (answer.isConnected && !answer.matches(".bubble-failed")) failed(answer, state, "The answer broke off. Try again.");
    } catch (error) {
      state.textContent = "Stopped here.";
      answer.classList.remove("bubble-working");
      throw error;
    }
    document.dispatchEvent(new CustomEvent("aisha:assistant-drawn", { detail: { root } }));
  }

  function failed(answer, state, words) {
    answer.classList.remove("bubble-working");
    answer.classList.add("bubble-failed");
    state.textContent = words;
  }

  async function* steps(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line) yield JSON.parse(line);
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  function clear(root) {
    const composer = part(root, "composer");
    composer.elements.text.value = "";
    composer.elements.origin.value = "typed";
  }

  const follow = (thread) => (thread.scrollTop = thread.scrollHeight);

  // --- earlier conversations -----------------------------------------------------------------

  async function list(root, query = {}) {
    const address = part(root, "composer").dataset.begin;
    const text = part(root, "search")?.elements.q.value ?? "";
    const rows = await fragment(`${address}?${new URLSearchParams({ q: text, ...query })}`);
    const hadFocus = part(root, "search")?.contains(document.activeElement);
    part(root, "list").replaceChildren(...rows);
    const box = part(root, "search").elements.q;
    if (hadFocus) {
      box.focus();
      box.setSelectionRange(box.value.length, box.value.length);
    }
  }

  async function toggleHistory(root) {
    const shelf = part(root, "list");
    if (shelf.hidden) await list(root);
    shelf.hidden = !shelf.hidden;
    part(root, "history").setAttribute("aria-expanded", String(!shelf.hidden));
    if (!shelf.hidden) part(root, "search").elements.q.focus();
  }

  async function remove(root, form) {
    const { said } = await (await send(form.action, { form: new FormData(form) })).json();
    const wasOpen = form.dataset.assistantDelete;
    const current = part(root, "panel").dataset.conversation;
    if (!wasOpen || wasOpen === current) await load(root, { record: root.dataset.pageRecord });
    else await list(root);
    tell(root, said);
  }

  // --- what people do ------------------------------------------------------------------------

  let searching = 0;

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-assistant-open]");
    if (opener && drawer()) {
      event.preventDefault();
      open();
      return;
    }
    const root = rootOf(event.target);
    if (!root) return;
    // A click beside the drawer closes it.
    if (event.target === root && root.matches("dialog")) return root.close();
    const on = (name) => event.target.closest(`[data-assistant-${name}]`);
    if (on("close")) root.close();
    else if (on("stop")) underWay.get(root)?.abort();
    else if (on("new")) trying(root, () => load(root, { record: root.dataset.pageRecord }));
    else if (on("history")) trying(root, () => toggleHistory(root));
    else if (on("forget-record")) forgetRecord(root);
    else if (on("example")) {
      event.preventDefault();
      say(root, on("example").value);
    } else if (on("conversation") && root.matches("dialog")) {
      event.preventDefault();
      trying(root, () => load(root, { conversation: on("conversation").dataset.assistantConversation, record: root.dataset.pageRecord }));
    } else if (on("page") && root.matches("dialog")) {
      event.preventDefault();
      trying(root, () => list(root, { page: on("page").dataset.assistantPage }));
    } else cite(root, event);
  });

  // A number leads to its fact, which may be folded away.
  function cite(root, event) {
    const link = event.target.closest("a.cite");
    if (!link) return;
    event.preventDefault();
    const fact = document.getElementById(link.hash.slice(1));
    if (!fact) return;
    fact.closest("details").open = true;
    fact.scrollIntoView({ block: "nearest" });
    fact.querySelector("a")?.focus();
  }

  function forgetRecord(root) {
    const composer = part(root, "composer");
    composer.elements.record.value = "";
    part(root, "panel").dataset.record = "";
    part(root, "forget-record").closest(".assistant-about").remove();
    composer.elements.text.focus();
  }

  document.addEventListener("submit", (event) => {
    const root = rootOf(event.target);
    if (!root) return;
    const form = event.target;
    if (form.matches("[data-assistant-composer]")) {
      event.preventDefault();
      say(root, form.elements.text.value);
    } else if (form.matches("[data-assistant-search]") && root.matches("dialog")) {
      event.preventDefault();
      trying(root, () => list(root));
    } else if (form.matches("[data-assistant-delete]") && root.matches("dialog")) {
      event.preventDefault();
      trying(root, () => remove(root, form));
    }
  });

  document.addEventListener("input", (event) => {
    const root = rootOf(event.target);
    if (!root) return;
    if (event.target.matches("[data-assistant-search] input") && root.matches("dialog")) {
      clearTimeout(searching);
      searching = setTimeout(() => trying(root, () => list(root)), 250);
    } else if (event.target.name === "text" && !event.target.value) event.target.form.elements.origin.value = "typed";
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const withCommand = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
    if (withCommand && !event.shiftKey && event.key.toLowerCase() === "j") {
      const root = drawer();
      if (!root && !part(document, "composer")) return;
      event.preventDefault();
      if (root?.open) root.close();
      else if (!document.querySelector("dialog[open]")) open();
    } else if (event.key === "Escape" && drawer()?.open && !drawer().matches(":modal") && drawer().contains(event.target)) {
      drawer().close();
    } else if (event.key === "Enter" && !event.shiftKey && event.target.matches?.("[data-assistant-composer] textarea")) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });

  // A call that begins where no conversation has begun yet begins one.
  document.addEventListener("aisha:call-belongs", ({ detail: { root, conversation } }) => {
    const panel = root && part(root, "panel");
    if (!panel || panel.dataset.conversation || !conversation) return;
    panel.dataset.conversation = conversation;
    remember(root, conversation);
  });

  document.addEventListener("aisha:call-returns", ({ detail: { conversation } }) => {
    if (conversation) sessionStorage.setItem(REMEMBERED, conversation);
    open({ isByItself: true });
  });

  // What was said in a call stands in the same thread, where it is still in sight.
  document.addEventListener("aisha:call-ended", (event) => {
    const conversation = String(event.detail?.conversation ?? "");
    for (const root of document.querySelectorAll("[data-assistant]")) {
      if (conversation && part(root, "panel")?.dataset.conversation === conversation) trying(root, () => load(root, { conversation, record: root.dataset.pageRecord ?? "" }));
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    const page = document.querySelector("[data-assistant]:not(dialog)");
    if (page) {
      ready(page);
      document.dispatchEvent(new CustomEvent("aisha:assistant-open"));
    }
  });
})();
