// Keeps "12 min ago" true while a page stays open. The words are those of aisha_ui.describe_moment, below one day.
(() => {
  "use strict";
  const EVERY_MS = 30_000;

  function describe(elapsedS) {
    const minutes = Math.floor(Math.abs(elapsedS) / 60);
    if (minutes < 1) return elapsedS >= 0 ? "just now" : "in a moment";
    const distance = minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
    return elapsedS >= 0 ? `${distance} ago` : `in ${distance}`;
  }

  function refresh() {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const elapsedS = (Date.now() - Date.parse(time.dateTime)) / 1000;
      if (Math.abs(elapsedS) >= 86_400) continue;
      const words = describe(elapsedS);
      if (time.textContent !== words) time.textContent = words;
    }
  }

  setInterval(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
})();
