// What makes the documentation quicker to use; everything in it works without.
"use strict";
(() => {
  const menu = document.querySelector("[data-docs-menu]");
  const toc = document.querySelector(".docs-toc");
  if (!menu) return;

  // Beside the text the list of all pages is always there; on a phone it opens when asked for.
  const wide = matchMedia("(min-width: 60.01rem)");
  const fit = () => {
    menu.open = wide.matches;
    if (toc) toc.open = wide.matches;
  };
  wide.addEventListener("change", fit);
  fit();
  menu.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });

  // `/` goes to the search, as on many sites.
  const find = document.querySelector("[data-docs-find]");
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    find.focus();
    find.select();
  });
})();
