// What a page does by itself: times in the viewer's zone, theme, shortcuts, selections. Nothing here is needed to read.
(() => {
  "use strict";
  const root = document.documentElement;

  // Times. The server's clock is the one that counts; the difference is taken once, when the page arrives.
  const skew = Number(document.body.dataset.now) * 1000 - Date.now();
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const two = (number) => String(number).padStart(2, "0");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const local = (at) =>
    `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
    `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

  const ago = (at) => {
    const seconds = (Date.now() + skew - at.getTime()) / 1000;
    if (seconds < 1) return "now";
    const [size, name] = units.find(([size]) => seconds >= size);
    return `${Math.floor(seconds / size)} ${name} ago`;
  };
  const length = (seconds) => {
    const parts = [];
    let left = Math.max(0, seconds);
    for (const [size, name] of units) {
      const count = Math.floor(left / size);
      if (count || parts.length || name === "s") parts.push(`${count} ${name}`);
      left -= count * size;
      if (parts.length === 2) break;
    }
    return parts.join(" ");
  };
  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const writeTimes = () => {
    for (const element of document.querySelectorAll("time")) {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const exact = `${local(at)} ${zone} (${element.dateTime})`;
      if (element.title !== exact) element.title = exact;
      if (element.classList.contains("ago")) write(element, ago(at));
      else if (element.classList.contains("instant")) write(element, local(at));
    }
    for (const element of document.querySelectorAll("[data-waiting-since]")) {
      write(element, length((Date.now() + skew) / 1000 - Number(element.dataset.waitingSince)));
    }
  };
  for (const element of document.querySelectorAll("[data-zone]")) element.textContent = zone;
  writeTimes();
  setInterval(writeTimes, 1000);
  document.body.addEventListener("htmx:afterSwap", writeTimes);

  // On a phone the navigation is a strip: where one is shall be in sight.
  const strip = document.querySelector("nav.main");
  const here = strip.querySelector("[aria-current]");
  if (here && strip.scrollWidth > strip.clientWidth) strip.scrollLeft = here.offsetLeft - strip.clientWidth / 3;

  // Theme: system, light, dark. The cookie lets the server send the next page in it.
  const themes = ["", "light", "dark"];
  const names = { "": "system", light: "light", dark: "dark" };
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    const word = button.querySelector("[data-theme-name]");
    const show = () => { word.textContent = names[root.dataset.theme || ""]; };
    show();
    button.addEventListener("click", () => {
      const next = themes[(themes.indexOf(root.dataset.theme || "") + 1) % themes.length];
      if (next) root.dataset.theme = next;
      else delete root.dataset.theme;
      document.cookie = `holdfast_theme=${next}; path=/; max-age=31536000; samesite=strict`;
      show();
      document.dispatchEvent(new CustomEvent("holdfast:theme"));
    });
  }

  // Selected rows stay selected when their table is brought up to date.
  const keeps = (node) => node instanceof HTMLInputElement && node.name === "uid";
  if (window.Idiomorph) {
    Idiomorph.defaults.ignoreActiveValue = true;
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => {
      if (name === "checked" && keeps(node)) return false;
      // What somebody opened stays open.
      if (name === "open" && node instanceof HTMLDetailsElement) return false;
      return true;
    };
  }
  const selection = () => [...document.querySelectorAll('input[name="uid"]')];
  const countSelected = () => {
    const boxes = selection();
    const chosen = boxes.filter((box) => box.checked).length;
    for (const element of document.querySelectorAll("[data-selected]")) {
      write(element, chosen ? `${chosen} selected` : "none selected");
    }
    for (const all of document.querySelectorAll("[data-select-all]")) {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) {
      for (const box of selection()) box.checked = event.target.checked;
    }
    if (event.target.matches('[data-select-all], input[name="uid"]')) countSelected();
  });
  document.body.addEventListener("htmx:afterSwap", countSelected);
  countSelected();

  // Copying.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });

  // Shortcuts.
  const help = document.getElementById("help");
  let leader = 0;
  const rows = () => [...document.querySelectorAll("tbody tr")].filter((row) => row.querySelector(".row-link"));
  const go = (step) => {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => row.classList.contains("at"));
    const next = Math.min(all.length - 1, Math.max(0, now + step));
    for (const row of all) row.classList.toggle("at", row === all[next]);
    all[next].querySelector(".row-link").focus({ preventScroll: true });
    all[next].scrollIntoView({ block: "nearest" });
  };
  const keys = {
    "?": () => help.showModal(),
    "/": () => document.querySelector('input[type="search"]')?.focus(),
    j: () => go(1),
    k: () => go(-1),
    x: () => document.querySelector('tr.at input[name="uid"]')?.click(),
    g: () => { leader = Date.now(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    if (Date.now() - leader < 1500) {
      leader = 0;
      const link = document.querySelector(`nav.main a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (Object.hasOwn(keys, event.key)) { event.preventDefault(); keys[event.key](); }
  });
})();
