// Live pages: one stream of "this has changed" for the whole page. What is shown is always fetched from the server.
(() => {
  "use strict";
  const url = document.body.dataset.live;
  const sign = document.getElementById("live");
  if (!url || !window.EventSource) return;
  const word = sign.querySelector(".live-word");
  const SILENCE_MS = 15000; // the server says something at least every five seconds
  const STALE_MS = 3000;
  let source = null;
  let heard = Date.now();
  let delay = 1000;
  let timer = 0;

  const two = (number) => String(number).padStart(2, "0");
  const clock = (ms) => {
    const at = new Date(ms);
    return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  };
  const show = (state, text) => {
    if (sign.dataset.state !== state) sign.dataset.state = state;
    if (word.textContent !== text) word.textContent = text;
  };
  // An element names its topics in data-on, and in data-rest the seconds between two of its requests. What changes
  // meanwhile is fetched when they are over: the last change is never missed.
  const due = new WeakMap();
  const refresh = (element) => {
    const state = due.get(element) ?? { last: 0, timer: 0 };
    due.set(element, state);
    if (state.timer) return;
    const wait = Math.max(0, state.last + Number(element.dataset.rest) * 1000 - Date.now());
    state.timer = setTimeout(() => {
      state.timer = 0;
      state.last = Date.now();
      if (element.isConnected && window.htmx) htmx.trigger(element, "refresh");
    }, wait);
  };
  const tell = (topics) => {
    for (const element of document.querySelectorAll("[data-on]")) {
      if (element.dataset.on.split(" ").some((topic) => topics.includes(topic))) refresh(element);
    }
  };
  const everything = ["agents", "attempts", "findings", "audit", "tokens", "fleet"];

  const close = () => {
    if (source) source.close();
    source = null;
    clearTimeout(timer);
  };
  const open = () => {
    close();
    source = new EventSource(url);
    // With its first word the server has begun to look for changes: what came before that word is fetched once.
    const first = () => {
      heard = Date.now();
      delay = 1000;
      if (sign.dataset.state === "live") return;
      show("live", "live");
      tell(everything);
    };
    source.addEventListener("changed", (event) => {
      first();
      tell(JSON.parse(event.data).topics);
    });
    source.addEventListener("beat", first);
    source.addEventListener("error", () => {
      // Opened again by ourselves: browsers wait differently long, and give up on an answer of 503.
      close();
      lost();
      timer = setTimeout(open, delay);
      delay = Math.min(delay * 1.6, 10000);
    });
  };
  const lost = () => {
    const since = Date.now() - heard;
    if (since < STALE_MS) show("reconnecting", "reconnecting");
    else show("stale", `stale since ${clock(heard)}`);
  };
  setInterval(() => {
    if (document.hidden) return;
    if (!source) lost();
    else if (Date.now() - heard > SILENCE_MS) { lost(); open(); }
  }, 1000);

  // A page that nobody sees asks for nothing, and catches up when it is looked at.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!source) { lost(); open(); }
  });
  window.addEventListener("pagehide", close);
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) location.reload();
  });
  open();
})();
