// The pages work without this. With it they stay live, act in place and listen to keys.
(() => {
  "use strict";
  const body = document.body;
  const main = () => document.querySelector("main");
  const rows = () => [...main().querySelectorAll("tr[data-key], article[data-key]")];
  let here = null; // the key of the row that keys act on
  let dirty = false;
  let fetching = false;
  let acting = false;
  let last = 0;
  const GAP_MS = 1000;

  const current = () => rows().find((row) => row.dataset.key === here) || null;

  function mark(focus) {
    const row = current();
    for (const other of rows()) other.toggleAttribute("data-here", other === row);
    if (row && focus) {
      row.focus({ preventScroll: true });
      row.scrollIntoView({ block: "nearest" });
    }
  }

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    here = all[Math.max(0, Math.min(all.length - 1, at + step))].dataset.key;
    mark(true);
  }

  // Somebody who is writing must not lose a word.
  const busy = () => !!main().querySelector("details[open]") || (document.activeElement && /^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName) && main().contains(document.activeElement));

  function show(text, address) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.querySelector("main");
    const rail = page.querySelector("nav.rail");
    if (!fresh || !rail) {
      location.assign(address);
      return;
    }
    const before = new Map([...main().querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one.dataset.mark]));
    const all = rows();
    const at = all.indexOf(current());
    const focused = at >= 0 && all[at] === document.activeElement;
    main().replaceChildren(...fresh.childNodes);
    document.querySelector("nav.rail").replaceChildren(...rail.childNodes);
    document.title = page.title;
    for (const one of main().querySelectorAll("[data-key]")) {
      if (before.get(one.dataset.key) !== one.dataset.mark) one.classList.add("changed");
    }
    const now = rows();
    if (at >= 0 && !current() && now.length) here = now[Math.min(at, now.length - 1)].dataset.key;
    mark(focused || (at >= 0 && document.activeElement === body));
    state(true);
  }

  async function refresh() {
    if (fetching || acting || !dirty) return;
    if (document.hidden || busy()) return;
    const wait = last + GAP_MS - Date.now();
    if (wait > 0) {
      setTimeout(refresh, wait);
      return;
    }
    fetching = true;
    dirty = false;
    last = Date.now();
    try {
      const address = location.pathname + location.search.replace(/[?&]said=[^&]*/, "");
      const answer = await fetch(address, { headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      if (!busy() && !acting) show(text, answer.url);
      else dirty = true;
    } catch {
      dirty = true;
      state(false);
      setTimeout(refresh, 5000);
    } finally {
      fetching = false;
      if (dirty) setTimeout(refresh, GAP_MS);
    }
  }

  function state(on) {
    const dot = main().querySelector(".live");
    if (!dot) return;
    dot.classList.toggle("off", !on);
    dot.title = on ? "" : "The connection is lost; this page connects again by itself.";
  }

  async function act(form, button) {
    if (acting) return;
    acting = true;
    const row = form.closest("[data-key]");
    if (row) row.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, button)) });
      const text = await answer.text();
      acting = false;
      if (answer.ok) show(text, answer.url);
      else document.open(), document.write(text), document.close();
    } catch {
      acting = false;
      if (row) row.removeAttribute("aria-busy");
      state(false);
    }
    refresh();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-live]") || !event.submitter) return;
    event.preventDefault();
    act(form, event.submitter);
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-key]");
    if (!row || event.target.closest("a, button, input") || String(getSelection())) return;
    row.querySelector("a.name").click();
  });

  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("tr[data-key], article[data-key]");
    if (row && row.dataset.key !== here) {
      here = row.dataset.key;
      mark(false);
    }
  });
  document.addEventListener("focusout", () => setTimeout(refresh, 50));

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key === "Escape") {
      if (typing) typing.blur();
      for (const open of main().querySelectorAll("details[open]")) open.open = false;
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = current();
    const find = main().querySelector("input[type=search]");
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "/" && find) find.focus(), find.select();
    else if (event.key === "?") document.getElementById("keys").showModal();
    else if (event.key === "Enter" && row && (event.target === row || event.target === body)) row.querySelector("a").click();
    else if (row && /^[asdx]$/.test(event.key)) {
      const button = row.querySelector(`button[data-act="${event.key}"]`);
      if (!button) return;
      button.form.requestSubmit(button);
    } else return;
    event.preventDefault();
  });

  setInterval(() => {
    for (const one of document.querySelectorAll("[data-ago]")) {
      const s = Math.max(0, Math.round((Date.now() - Number(one.dataset.ago)) / 1000));
      one.textContent = s < 60 ? `${s} s ago` : s < 3600 ? `${Math.floor(s / 60)} m ago` : s < 86400 ? `${Math.floor(s / 3600)} h ago` : one.textContent;
    }
  }, 1000);

  if (body.dataset.here === "inbox" && rows().length) {
    here = rows()[0].dataset.key;
    mark(false);
  }
  const source = new EventSource(`/live?account=${encodeURIComponent(body.dataset.account)}`);
  const seen = { book: 0, inbox: 0, account: 0, intake: 0 };
  let greeted = false;
  source.onmessage = (event) => {
    const counts = JSON.parse(event.data);
    const moved = Object.keys(seen).filter((name) => counts[name] !== seen[name]);
    for (const name of moved) seen[name] = counts[name];
    state(true);
    const mine = { book: ["book", "inbox"], inbox: ["inbox"], account: ["account", "inbox"], intake: ["intake", "inbox"], refusal: ["inbox"] }[body.dataset.here];
    const missed = !greeted && counts.sequence !== Number(body.dataset.sequence); // between this page and its stream
    if (missed || moved.some((name) => mine.includes(name))) dirty = true;
    greeted = true;
    refresh();
  };
  source.onopen = () => {
    if (greeted) dirty = true; // what was said while the connection was lost
  };
  source.onerror = () => state(false);
  document.addEventListener("visibilitychange", refresh);
  addEventListener("pagehide", () => source.close());
})();
