// Makes the pages quicker: keys, rows, focus, notices. Every page works without this file.
(() => {
  "use strict";
  const doc = document, body = doc.body;
  const all = (selector, root = doc) => [...root.querySelectorAll(selector)];
  const one = (selector, root = doc) => root.querySelector(selector);
  const words = body.dataset; // texts that this script shows come translated from the server

  // --- Notices -------------------------------------------------------------------------------
  const announce = (text) => {
    const region = one("#announce");
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, 50); // so that the same words are read again
  };
  const alertBox = (text, action) => {
    const box = one("#notice-template").content.firstElementChild.cloneNode(true);
    one("[data-text]", box).textContent = text;
    if (action) {
      const button = doc.createElement("button");
      button.type = "button";
      button.className = "btn small";
      button.textContent = action.label;
      button.addEventListener("click", () => { box.remove(); action.run(); });
      box.insertBefore(button, one("[data-dismiss]", box));
    }
    const known = all("#alert > *").find((other) => one("[data-text]", other)?.textContent === text);
    known ? known.replaceWith(box) : one("#alert").append(box);
  };
  body.addEventListener("announce", (event) => announce(event.detail.value ?? event.detail));
  body.addEventListener("alert", (event) => alertBox(event.detail.value ?? event.detail));
  window.addEventListener("offline", () => alertBox(words.offline));

  // --- Requests ------------------------------------------------------------------------------
  let open = 0;
  const busy = (change) => {
    open = Math.max(0, open + change);
    body.classList.toggle("busy", open > 0);
  };
  // A second press while the first is under way does nothing.
  doc.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (form.method === "post") {
      form.dataset.sent = "1";
      setTimeout(() => settle(form), 8000); // no answer came: let the person try again
    }
  }, true);
  const settle = (element) => { const form = element.closest?.("form"); if (form) delete form.dataset.sent; };
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach(settle));
  body.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.triggeringEvent?.type === "poll") event.detail.headers["X-Poll"] = "1";
  });
  body.addEventListener("htmx:beforeRequest", (event) => {
    busy(1);
    event.detail.target?.setAttribute("aria-busy", "true");
  });
  body.addEventListener("htmx:afterRequest", (event) => {
    busy(-1);
    settle(event.detail.elt);
    event.detail.target?.removeAttribute("aria-busy");
    if (event.detail.successful) event.detail.target?.removeAttribute("data-old");
  });
  const failed = (text) => (event) => {
    const { elt, target, requestConfig } = event.detail;
    const kind = requestConfig?.triggeringEvent?.type;
    target?.setAttribute("data-old", "true");
    if (kind === "poll") return; // asked again by itself
    alertBox(text, {
      label: words.retry,
      run: () => {
        if (!elt.isConnected) location.reload();
        else if (elt.tagName === "FORM") elt.requestSubmit();
        else if (kind === "click") elt.click();
        else window.htmx.trigger(elt, kind || "load");
      },
    });
  };
  body.addEventListener("htmx:responseError", (event) => {
    failed(event.detail.xhr.getResponseHeader("X-Busy") ? words.busy : words.failed)(event);
  });
  // Signed out meanwhile: a form is sent once more as a page, so that the server keeps it until
  // the person has signed in. Where nobody pressed anything, nothing is left behind.
  body.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, requestConfig, elt } = event.detail;
    if (xhr?.status !== 401 || xhr.getResponseHeader("HX-Redirect")) return;
    if (requestConfig.verb !== "post" || !elt.matches("form, button")) return alertBox(words.signedOut);
    const form = doc.createElement("form");
    form.method = "post";
    form.action = requestConfig.path;
    for (const [name, value] of requestConfig.formData) {
      const field = doc.createElement("textarea"); // keeps the lines of a text
      field.name = name;
      field.value = value;
      form.append(field);
    }
    form.hidden = true;
    body.append(form);
    form.submit();
  });
  body.addEventListener("htmx:sendError", failed(words.unreachable));
  body.addEventListener("htmx:timeout", failed(words.unreachable));

  // --- Focus: what was swapped in says by data-focus where the work goes on --------------------
  body.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.elt;
    const goal = target.matches?.("[data-focus]") ? target : one("[data-focus]", target);
    goal?.focus();
  });
  body.addEventListener("focus-on", (event) => one(event.detail.value)?.focus());

  // --- Parts of a page that look again by themselves, only while somebody sees them -------------
  setInterval(() => {
    if (doc.hidden) return;
    for (const part of all("[data-poll]")) {
      const due = Number(part.dataset.polledAt || performance.now()) + part.dataset.poll * 1000;
      if (!part.dataset.polledAt) part.dataset.polledAt = performance.now();
      else if (performance.now() >= due) {
        part.dataset.polledAt = performance.now();
        window.htmx.trigger(part, "poll");
      }
    }
  }, 1000);

  // --- Clicks ----------------------------------------------------------------------------------
  const rowLink = (row) => one("[data-row-link]", row) || one("a[href]", row);
  doc.addEventListener("click", (event) => {
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) return dismiss.closest(".notice").remove();
    const opener = event.target.closest("[data-open]");
    if (opener) {
      event.preventDefault();
      if (opener.dataset.open === "#keys") listKeys();
      return one(opener.dataset.open)?.showModal();
    }
    const closer = event.target.closest("[data-close]");
    if (closer) return closer.closest("dialog")?.close();
    if (event.target.closest("[data-print]")) return window.print();
    const row = event.target.closest("[data-row]");
    const control = event.target.closest("a, button, input, select, textarea, label, summary");
    if (row && !control && !String(getSelection())) {
      rowLink(row)?.dispatchEvent(new MouseEvent("click", {
        bubbles: true, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey,
      }));
    }
  });
  doc.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    if (event.target.matches("[data-check-all]")) {
      for (const box of all(event.target.dataset.checkAll)) {
        box.checked = event.target.checked;
        box.dispatchEvent(new Event("change", { bubbles: true }));
      }
    }
  });

  // --- Keys --------------------------------------------------------------------------------------
  const needsAlt = words.singleKeys === "off";
  const seen = (element) => element.checkVisibility?.() !== false && !element.closest("[inert]") &&
    !element.disabled;
  const typing = (element) => element?.matches?.(
    "input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]");
  const scope = () => one("dialog[open]") || doc;
  const rows = () => all("[data-list] [data-row]", scope()).filter(seen);
  const current = (list) => list.find((row) => row.contains(doc.activeElement)) ||
    list.find((row) => row.matches("[aria-current=true], .current"));

  const move = (step) => {
    const list = rows();
    if (!list.length) return false;
    const at = list.indexOf(current(list));
    const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : at + step];
    if (!next) return true;
    (rowLink(next) || next).focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  };
  const moveCell = (key) => {
    const cell = doc.activeElement.closest?.("[data-grid] td, [data-grid] th");
    if (!cell) return false;
    const line = cell.parentElement, table = cell.closest("table");
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
    let y = line.rowIndex, x = cell.cellIndex;
    for (;;) {
      y += down; x += right;
      const next = table.rows[y]?.cells[x];
      if (!next) return true;
      const link = one("a, button", next);
      if (link) { link.focus(); return true; }
    }
  };
  const press = (key, shift) => {
    const list = all("[data-key]", scope()).filter((element) =>
      element.dataset.key.toLowerCase() === key && seen(element) &&
      (!/^[a-z]$/.test(key) || element.hasAttribute("data-key-shift") === shift));
    const row = current(rows());
    const target = list.find((element) => row?.contains(element)) ||
      list.find((element) => !element.closest("[data-row]")) || null;
    if (!target) return false;
    if (typing(target)) { target.focus(); target.select?.(); } else target.click();
    return true;
  };
  const tick = () => {
    const box = one("input[type=checkbox]", current(rows()) || doc.createElement("i"));
    box?.click();
    return Boolean(box);
  };
  const listKeys = () => {
    const home = one("#keys-here");
    home.replaceChildren();
    const told = new Set();
    for (const element of all("main [data-key]").filter(seen)) {
      const key = (element.hasAttribute("data-key-shift") ? "Shift+" : "") + element.dataset.key.toUpperCase();
      const clone = element.cloneNode(true);
      all("kbd, .visually-hidden, svg", clone).forEach((part) => part.remove());
      const label = element.dataset.keyLabel || element.getAttribute("aria-label") || clone.textContent.trim();
      if (told.has(key) || !label) continue;
      told.add(key);
      const term = doc.createElement("dt"), words = doc.createElement("dd"), cap = doc.createElement("kbd");
      cap.textContent = key;
      term.append(cap);
      words.textContent = label;
      home.append(term, words);
    }
    one("#keys-here-title").hidden = !told.size;
  };

  let going = 0; // until when a letter after `g` says where to go
  doc.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
    const field = typing(event.target);
    let key = event.key;
    if (event.altKey) { // Alt changes what a letter types
      key = event.code.replace(/^(Key|Digit)/, "").replace("Slash", event.shiftKey ? "?" : "/");
    }
    const letter = key.length === 1;
    if (letter && (field || needsAlt) && !event.altKey) return;
    if (field && !letter && key !== "Escape") return;
    const lower = letter ? key.toLowerCase() : key;

    let done = false;
    if (lower === "Escape") {
      if (one("dialog[open]") || one("[popover]:popover-open")) return; // the browser closes it
      if (field) { event.target.blur(); done = true; } else done = press("escape", false);
    } else if (going > event.timeStamp && letter) {
      going = 0;
      const link = one(`[data-go="${CSS.escape(lower)}"]`);
      if (link) { link.click(); done = true; }
    } else if (lower === "?") {
      one("[data-open='#keys']")?.click(); done = true;
    } else if (lower === "g") {
      going = event.timeStamp + 1500; done = true;
    } else if (lower.startsWith("Arrow")) {
      done = moveCell(lower);
      if (!done && doc.activeElement.closest("[data-list]") && /Up|Down/.test(lower)) {
        done = move(lower === "ArrowDown" ? 1 : -1);
      }
    } else if (!event.repeat || lower === "j" || lower === "k") {
      done = press(lower, event.shiftKey);
      if (!done && lower === "j") done = move(1);
      if (!done && lower === "k") done = move(-1);
      if (!done && lower === "x") done = tick();
    }
    if (done) event.preventDefault();
  });

  // --- The sign-in ends by itself: say so in time ---------------------------------------------------
  const idle = Number(words.idleSeconds);
  if (idle) {
    let timer;
    const arm = () => {
      clearTimeout(timer);
      timer = setTimeout(() => alertBox(words.idleText, {
        label: words.idleStay,
        run: () => fetch(words.idleUrl, { method: "GET", credentials: "same-origin" }).then(arm),
      }), Math.max(idle - 120, 10) * 1000);
    };
    arm();
    body.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.requestConfig?.triggeringEvent?.type !== "poll") arm();
    });
  }
})();
