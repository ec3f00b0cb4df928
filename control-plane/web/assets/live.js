// The live regions of a page: one stream for all of them, which survives sleep and a change of network.
"use strict";
(() => {
  const SILENT_MS = 25_000; // The server says something every 10 s; two and a half times that is silence.
  const MISSED_MS = 12_000; // One sign of life is missing: worth a look when the page is looked at again.
  const HIDDEN_MS = 15_000; // A hidden page gives its connection back: browsers have six for each server.
  const OFFLINE_MS = 12_000; // So long a broken stream is "reconnecting"; then the person should know.
  const FIRST_RETRY_MS = 500;
  const LAST_RETRY_MS = 15_000;

  const dot = document.querySelector("[data-live]");
  const regions = new Map();
  for (const element of document.querySelectorAll("[data-region]")) {
    regions.set(element.dataset.region, { element, html: "", version: "" });
  }
  if (!regions.size) return;
  htmx.config.morphIgnore.push("open", "data-kept");

  let connection = null; // The AbortController of the stream that is open or being opened.
  let open = false; // It has answered.
  let attempts = 0;
  let retry = 0;
  let hide = 0;
  let heardAt = Date.now(); // The page itself was the first word.
  let lostAt = 0;
  let end = ""; // Why nothing follows, in words.

  // The dot.
  const clock = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const state = () => {
    const silent = Math.floor((Date.now() - heardAt) / 1000);
    if (end) return ["ended", end];
    if (open) return ["live", silent < 2 ? "Live · just now" : `Live · ${silent} s ago`];
    if (!lostAt) return ["connecting", "Connecting…"];
    const away = !navigator.onLine || Date.now() - lostAt > OFFLINE_MS;
    if (away) return ["offline", `Offline – showing what was known at ${clock(heardAt)}`];
    return ["lost", "Reconnecting…"];
  };
  const said = { connecting: "", live: "Live again", lost: "", offline: "Offline", ended: "Not live any more" };
  const show = () => {
    if (!dot) return;
    const [name, words] = state();
    dot.hidden = false;
    const before = dot.dataset.live;
    dot.querySelector("[data-live-words]").textContent = words;
    if (before === name) return;
    dot.dataset.live = name;
    // Only what matters is announced, not every second and not the beginning.
    const announce = dot.querySelector("[data-live-said]");
    if (before !== "connecting" || name !== "live") announce.textContent = said[name];
  };

  // Events.
  const put = async (region, html, version) => {
    region.html = html;
    region.version = version;
    await htmx.swap({ text: html, target: region.element, sourceElement: region.element, swap: "innerMorph" });
    region.element.dispatchEvent(new CustomEvent("gimlet:updated", { bubbles: true }));
  };
  const take = async (name, id, data) => {
    if (name === "out") end = "Signed out – reload to sign in";
    if (name === "gone") end = "Not there any more – reload the page";
    if (name !== "full" && name !== "step") return;
    const change = JSON.parse(data);
    const region = regions.get(change.region);
    if (!region) return;
    if (name === "full") return put(region, change.html, id);
    if (region.version !== change.was) throw new Error("a step from another version");
    const html = region.html.slice(0, change.from) + change.html + region.html.slice(change.to);
    return put(region, html, id);
  };
  const field = (message, name) => message.match(new RegExp(`^${name}: ?(.*)$`, "m"))?.[1] ?? "";
  const read = async (body) => {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heardAt = Date.now();
      const messages = (rest + value).split("\n\n");
      rest = messages.pop();
      for (const message of messages) await take(field(message, "event"), field(message, "id"), field(message, "data"));
      show();
    }
  };

  // The connection.
  const address = () => {
    const query = new URLSearchParams();
    for (const name of regions.keys()) query.append("region", name);
    return `/live?${query}`;
  };
  const attempt = async (signal) => {
    const versions = [...regions.values()].map((region) => region.version).join();
    const headers = { accept: "text/event-stream", "last-event-id": versions };
    const answer = await fetch(address(), { headers, signal, cache: "no-store" });
    if (answer.status === 401) end = "Signed out – reload to sign in";
    if (answer.status === 404) end = "Not there any more – reload the page";
    if (!answer.ok) return;
    open = true;
    attempts = 0;
    lostAt = 0;
    heardAt = Date.now();
    show();
    await read(answer.body);
  };
  const connect = async () => {
    clearTimeout(retry);
    if (end) return;
    connection?.abort();
    const own = new AbortController();
    connection = own;
    open = false;
    try {
      await attempt(own.signal);
    } catch {
      // Whatever was wrong, the next attempt gets all regions in full.
      for (const region of regions.values()) region.version = "";
    }
    own.abort();
    if (connection !== own) return;
    leave();
    show();
    const most = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempts++);
    if (!end && !document.hidden) retry = setTimeout(connect, 100 + Math.random() * most);
  };
  const leave = () => {
    clearTimeout(retry);
    const left = connection;
    connection = null;
    open = false;
    lostAt ||= Date.now();
    left?.abort();
  };

  // What tells that the way may be free again, or is not.
  const look = () => {
    clearTimeout(hide);
    const silent = Date.now() - heardAt;
    if (!connection || (open && silent > MISSED_MS)) {
      attempts = 0;
      connect();
    }
    show();
  };
  addEventListener("online", () => {
    attempts = 0;
    connect();
  });
  addEventListener("offline", () => {
    leave();
    show();
    // In case nobody says "online": some systems do not.
    retry = setTimeout(connect, LAST_RETRY_MS);
  });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && look());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look();
    else hide = setTimeout(leave, HIDDEN_MS);
  });
  setInterval(() => {
    // A connection that only seems to be there is given up; after sleep this is the first thing to run.
    if (open && Date.now() - heardAt > SILENT_MS) {
      lostAt = Date.now();
      connect();
    }
    show();
  }, 1_000);

  show();
  if (!document.hidden) connect();
})();
