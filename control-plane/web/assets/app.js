// What HTML alone cannot do: copying, times that go on, and whether a live page is still live.
"use strict";
(() => {
  const SILENT_MS = 25_000; // The server says something every 10 s; two and a half times that is silence.
  const RETRY_MS = 5_000;

  // Copying.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    const source = button && document.getElementById(button.dataset.copy);
    if (!source) return;
    const text = "copyTitle" in button.dataset ? source.title : source.textContent;
    const word = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(text.trim());
      word.textContent = "Copied";
      button.dataset.copied = "";
    } catch {
      // Without TLS there is no clipboard: select the text for the person to copy.
      getSelection().selectAllChildren(source);
      word.textContent = "Selected";
    }
    setTimeout(() => {
      word.textContent = "Copy";
      delete button.dataset.copied;
    }, 2_000);
  });

  // A page that answered a form takes the address where it can be loaded again.
  const replaced = document.querySelector("[data-replace-url]");
  if (replaced) history.replaceState(null, "", replaced.dataset.replaceUrl);

  // Times. The words are those of the server.
  const span = (seconds) => {
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86_400)} d`;
  };
  const relative = (then, now) => {
    const seconds = Math.floor(Math.abs(now - then) / 1000);
    if (seconds < 2) return "just now";
    return now > then ? `${span(seconds)} ago` : `in ${span(seconds)}`;
  };
  const lasted = (ms) => {
    const seconds = Math.floor(Math.max(0, ms) / 1000);
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
    return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  };
  const say = (element, words) => {
    if (element.textContent !== words) element.textContent = words;
  };
  const MONTH_MS = 30 * 86_400_000;
  const tick = () => {
    const now = Date.now();
    for (const element of document.querySelectorAll("time[data-ago]")) {
      const then = Date.parse(element.dateTime);
      if (Math.abs(now - then) < MONTH_MS) say(element, relative(then, now));
    }
    for (const element of document.querySelectorAll("[data-since]")) {
      const since = Date.parse(element.dataset.since);
      if (!Number.isNaN(since)) say(element, lasted(now - since));
    }
    showLive();
  };

  // Whether the page is live.
  const indicator = document.querySelector("[data-live]");
  const region = document.querySelector("[hx-sse\\:connect]");
  let connection = null;
  let heardAt = 0;
  let signedOut = false;

  const show = (state, words) => {
    indicator.dataset.live = state;
    say(indicator.querySelector("[data-live-words]"), words);
  };
  const showLive = () => {
    if (!indicator || !region) return;
    const silent = Date.now() - heardAt;
    if (signedOut) show("lost", "Signed out: reload the page");
    else if (!heardAt) return;
    else if (!connection || silent > SILENT_MS || !navigator.onLine) {
      show("lost", "Reconnecting…");
      // A connection that only seems to be there is given up, so that a new one is made.
      if (connection && silent > SILENT_MS) connection.reader?.cancel();
    } else show("live", silent < 2_000 ? "Live · just now" : `Live · ${span(Math.floor(silent / 1000))} ago`);
  };
  const heard = (event) => {
    connection = event.detail.connection;
    heardAt = Date.now();
    signedOut = false;
    showLive();
  };
  const lost = (event) => {
    signedOut = event.detail?.status === 401;
    connection = null;
    heardAt ||= 1;
    showLive();
  };

  if (indicator && region) {
    indicator.hidden = false;
    document.addEventListener("htmx:sse:after:connection", heard);
    document.addEventListener("htmx:sse:after:message", heard);
    document.addEventListener("htmx:sse:error", lost);
    for (const name of ["htmx:sse:close", "htmx:error", "htmx:response:error"]) {
      document.addEventListener(name, (event) => {
        lost(event);
        setTimeout(() => htmx.trigger(region, "reconnect"), RETRY_MS);
      });
    }
    addEventListener("offline", showLive);
    addEventListener("online", () => connection?.reader?.cancel());
  }

  tick();
  setInterval(tick, 1_000);
})();
