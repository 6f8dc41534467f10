// What scripts add to the console. Every page works without them.
"use strict";
(() => {
  const said = (text) => { const e = document.getElementById("said"); if (e) { e.textContent = ""; e.textContent = text; } };

  // A button with data-copy copies that text and says so.
  document.addEventListener("click", async (event) => {
    const b = event.target.closest("[data-copy]");
    if (!b) return;
    try { await navigator.clipboard.writeText(b.dataset.copy); } catch {
      const t = document.createElement("textarea");
      t.value = b.dataset.copy; document.body.append(t); t.select();
      document.execCommand("copy"); t.remove(); b.focus();
    }
    const name = b.dataset.name ??= b.getAttribute("aria-label") ?? b.textContent, was = b.dataset.was ??= b.textContent;
    const now = "✓ " + (b.dataset.copied ?? "");
    said(b.dataset.copied ?? name + " ✓");
    b.textContent = now;
    b.setAttribute("aria-label", now);
    setTimeout(() => { b.textContent = was; b.setAttribute("aria-label", name); }, 1500);
  });

  // A field with data-submit sends its form when it changes.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    const all = event.target.closest("[data-all]");
    if (all) for (const box of document.querySelectorAll(all.dataset.all)) box.checked = all.checked;
  });

  // Who presses a button twice means it once. A download leaves the page where it is: soon it may be pressed again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 2500);
  });
  addEventListener("pageshow", () => { for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent; });

  // "/" leads to the search, Escape closes what was opened to ask.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing) {
      const s = document.querySelector("[data-search]");
      if (s) { event.preventDefault(); s.focus(); }
    }
    if (event.key === "Escape") {
      const open = event.target.closest("details.ask[open]");
      if (open) { open.open = false; open.querySelector("summary").focus(); }
    }
  });

  // A choice of a time zone begins with the browser's own.
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const s of document.querySelectorAll("select[data-zone]")) {
    if (!own || own === "UTC" || s.value) continue;
    if (![...s.options].some((o) => o.value === own)) s.add(new Option(own.replaceAll("_", " "), own));
    s.value = own;
  }

  // Times that say how long ago they were go on counting.
  const lang = document.documentElement.lang;
  const words = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  const steps = [["second", 1, 60], ["minute", 60, 60], ["hour", 3600, 48], ["day", 86400, 60]];
  const count = () => {
    for (const e of document.querySelectorAll("time[datetime][title]")) {
      const s = (new Date(e.dateTime) - Date.now()) / 1000;
      const whole = (unit) => Math.trunc(s > 0 ? s / unit + 1 / 48 : s / unit);
      const step = steps.find(([, unit, most]) => Math.abs(whole(unit)) < most);
      if (step) e.textContent = words.format(whole(step[1]), step[0]);
    }
  };
  setInterval(count, 15000);

  // A part with data-live that asks for itself again waits while somebody works in it: with the keyboard in it,
  // something chosen or a question open.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const e = event.target;
    if (e.matches("[data-live]") && (e.contains(document.activeElement) || e.querySelector(":checked, details[open]"))) event.preventDefault();
  });

  // What went wrong is where one continues.
  document.getElementById("problem")?.focus();
})();
