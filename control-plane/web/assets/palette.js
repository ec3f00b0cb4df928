// The palette (⌘K), the keys that lead somewhere, and the help that lists them.
"use strict";
(() => {
  const palette = document.getElementById("palette");
  const help = document.getElementById("help");
  if (!palette || !help) return;
  const input = palette.querySelector("input");
  const list = document.getElementById("palette-list");
  const count = palette.querySelector("[data-count]");

  // What is found.
  let asked = null; // The AbortController of the question that is under way.
  let wait = 0;
  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");
  const choose = (option) => {
    chosen()?.removeAttribute("aria-selected");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const move = (steps) => {
    const all = options();
    const from = all.indexOf(chosen());
    choose(all.at((from + steps + all.length) % all.length) ?? all[0]);
  };
  const ask = async () => {
    asked?.abort();
    const own = new AbortController();
    asked = own;
    try {
      const answer = await fetch(`/palette?q=${encodeURIComponent(input.value)}`, { signal: own.signal });
      if (answer.redirected || !answer.ok) return location.reload();
      list.innerHTML = await answer.text();
    } catch {
      if (asked === own) list.textContent = "The server cannot be reached at the moment.";
      return;
    }
    if (asked !== own) return;
    choose(options()[0]);
    const found = options().length;
    count.textContent = found === 1 ? "1 result" : `${found} results`;
  };
  const go = (option, elsewhere) => {
    if (!option) return;
    palette.close();
    if (option.dataset.theme) {
      document.dispatchEvent(new CustomEvent("gimlet:theme", { detail: option.dataset.theme }));
    } else if (option.dataset.help !== undefined) {
      help.showModal();
    } else if (elsewhere) {
      window.open(option.dataset.href, "_blank", "noopener");
    } else {
      location.assign(option.dataset.href);
    }
  };
  const open = () => {
    if (palette.open) return;
    help.close();
    palette.showModal();
    input.select();
    ask();
  };

  input.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(ask, 60);
  });
  input.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (event.isComposing) return;
    if (steps) move(steps);
    else if (event.key === "Enter") go(chosen(), event.metaKey || event.ctrlKey);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    go(event.target.closest("[role=option]"), event.metaKey || event.ctrlKey);
  });
  // The input keeps the focus, as a combobox wants it.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  for (const dialog of [palette, help]) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (!opener || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    if (opener.dataset.open === "palette") open();
    else help.showModal();
  });

  // Keys. Single ones can be switched off: speech input and unsteady hands press them by mistake.
  const PLACES = { f: "/fleet", a: "/apps", c: "/commits", r: "/releases", o: "/repositories", y: "/activity", d: "/docs", s: "/get-started" };
  const single = help.querySelector("[data-single-keys]");
  single.checked = localStorage.getItem("gimlet.keys") !== "off";
  single.addEventListener("change", () => localStorage.setItem("gimlet.keys", single.checked ? "on" : "off"));
  const row = (steps) => {
    const rows = [...document.querySelectorAll("main .cover")];
    const from = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(from + steps, 0), rows.length - 1)]?.focus();
  };
  let gone = 0; // When `g` was pressed.
  const pressed = (key) => {
    if (Date.now() - gone < 1_500) {
      gone = 0;
      if (PLACES[key]) location.assign(PLACES[key]);
    } else if (key === "g") gone = Date.now();
    else if (key === "?") help.showModal();
    else if (key === "j") row(1);
    else if (key === "k") row(-1);
    else if (key === "/") (document.querySelector("main [type=search]") ?? { focus: open }).focus();
    else return false;
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      return palette.open ? palette.close() : open();
    }
    const types = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (types || event.metaKey || event.ctrlKey || event.altKey) return;
    if (!single.checked || palette.open || help.open) return;
    if (pressed(event.key)) event.preventDefault();
  });
  for (const key of document.querySelectorAll("[data-command-key]")) {
    key.textContent = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ K" : "Ctrl K";
  }
})();
