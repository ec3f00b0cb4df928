// The chosen scheme, before anything is painted: loaded without `defer`, in the head of every page.
"use strict";
try {
  const chosen = localStorage.getItem("gimlet.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Without storage the system's scheme holds.
}
