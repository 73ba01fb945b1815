// Ctrl+K (⌘K on a Mac) brings the keyboard to the search of all records, and so does "/" where nothing is being typed.
(() => {
  "use strict";
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

  function goToSearch() {
    const box = [...document.querySelectorAll("[data-search-box]")].find((box) => box.offsetParent);
    if (box) {
      box.focus();
      box.select();
    } else {
      // A narrow window has no box outside the page of search.
      document.querySelector("[data-search-link]")?.click();
    }
  }

  document.addEventListener("keydown", (event) => {
    // Another script may use the key for its page; behind an open dialog nothing is to move.
    if (event.defaultPrevented || event.isComposing || event.altKey || document.querySelector("dialog[open]")) return;
    const withCommand = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
    const isShortcut = withCommand && !event.shiftKey && event.key.toLowerCase() === "k";
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !isTyping;
    if (!isShortcut && !isSlash) return;
    event.preventDefault();
    goToSearch();
  });

  if (isMac) for (const key of document.querySelectorAll("[data-search-key]")) key.textContent = "⌘K";
})();
