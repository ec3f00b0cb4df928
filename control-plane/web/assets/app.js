// What HTML alone cannot do: copying, times that go on, and switching the scheme.
"use strict";
(() => {
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
  };
  document.addEventListener("gimlet:updated", tick);
  document.addEventListener("visibilitychange", tick);
  tick();
  setInterval(tick, 1_000);

  // The scheme: that of the system, light or dark. `theme.js` applies what is kept here.
  const THEMES = ["system", "light", "dark"];
  const root = document.documentElement;
  const chosen = () => root.dataset.theme ?? "system";
  const showTheme = () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.dataset.themeSwitch = chosen();
      button.title = `Scheme: ${chosen()}`;
      button.setAttribute("aria-label", `Scheme: ${chosen()}. Switch to ${after(chosen())}`);
    }
  };
  const after = (theme) => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  const setTheme = (theme) => {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      localStorage.setItem("gimlet.theme", theme);
    } catch {
      // It holds for this page.
    }
    showTheme();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) setTheme(after(chosen()));
  });
  document.addEventListener("gimlet:theme", (event) => setTheme(event.detail));
  showTheme();
})();
