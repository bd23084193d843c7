// The review deck: the next card is there at once, the answer of the server is awaited behind it.
(() => {
  "use strict";
  const deck = document.querySelector("#deck");
  if (!deck) return;
  const done = document.querySelector("#deck-done");
  const cards = () => [...deck.querySelectorAll("[data-card]")];
  const waiting = () => cards().filter((card) => !card.dataset.leaving);

  const open = new Set(); // decisions on their way
  let fewest = Infinity; // what their answers said is left

  const show = (card, { focus = true } = {}) => {
    for (const other of cards()) {
      other.hidden = other !== card;
      other.inert = other !== card;
    }
    for (const row of document.querySelectorAll("#list [data-row]")) {
      if (card && row.id === `row-${card.dataset.card}`) {
        row.setAttribute("aria-current", "true");
        row.scrollIntoView({ block: "nearest" });
      } else row.removeAttribute("aria-current");
    }
    if (done) done.hidden = Boolean(card) || cards().some((one) => !one.dataset.leaving);
    if (focus) (card ? card.querySelector("h2") : done)?.focus?.();
    arm();
  };
  // Skip needs a card to go to, and this file.
  const arm = () => {
    for (const button of deck.querySelectorAll("[data-next]")) button.hidden = waiting().length < 2;
  };

  document.body.addEventListener("htmx:configRequest", (event) => {
    if (!event.detail.elt.matches?.("[data-decide]")) return;
    event.detail.parameters.shown = cards().map((card) => card.dataset.card).join(",");
    event.detail.parameters.ready = waiting().length - 1;
  });
  // Decided: on to the next card now.
  document.body.addEventListener("htmx:beforeSend", (event) => {
    const form = event.detail.elt;
    const card = form.matches?.("[data-decide]") && form.closest("[data-card]");
    if (!card) return;
    open.add(event.detail.xhr);
    card.dataset.leaving = "1";
    const list = cards();
    const after = list.slice(list.indexOf(card) + 1).find((one) => !one.dataset.leaving);
    show(after || waiting()[0] || null);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt;
    if (!form.matches?.("[data-decide]")) return;
    open.delete(event.detail.xhr);
    if (!open.size) fewest = Infinity;
    const id = form.closest("[data-card]")?.dataset.card || event.detail.requestConfig.path.match(/\d+/)?.[0];
    const card = deck.querySelector(`[data-card="${id}"]`);
    if (event.detail.successful) {
      // Not at once: htmx tells of the end of a request twice when its form is gone by then.
      if (card?.dataset.leaving) setTimeout(() => card.remove());
      if (!waiting().some((one) => !one.hidden)) show(waiting()[0] || null);
      arm();
    } else if (card) { // refused, or no answer: the card comes back, with the reason on it
      delete card.dataset.leaving;
      show(card);
    }
  });
  // Answers to quick decisions cross; the one decided last has counted right, and the least.
  document.addEventListener("announce", (event) => {
    const left = event.detail?.left;
    if (left === undefined) return;
    if (left > fewest) event.stopImmediatePropagation();
    else fewest = left;
  }, true);
  // Two quick decisions may be answered with the same next card: one is enough.
  document.body.addEventListener("htmx:oobAfterSwap", () => {
    const seen = new Set();
    for (const card of cards()) {
      if (seen.has(card.dataset.card)) card.remove();
      seen.add(card.dataset.card);
    }
    arm();
  });

  deck.addEventListener("click", (event) => {
    const shut = event.target.closest("[aria-disabled=true]");
    if (shut) {
      event.preventDefault();
      const why = document.getElementById(shut.getAttribute("aria-describedby"));
      if (why) document.body.dispatchEvent(new CustomEvent("announce", { detail: { value: why.textContent.trim() } }));
      shut.closest("[data-card]")?.querySelector(".checks .error, .checks .warn")?.scrollIntoView({ block: "nearest" });
    }
    const skip = event.target.closest("[data-next]");
    if (!skip) return;
    const list = waiting();
    const card = skip.closest("[data-card]");
    show(list[(list.indexOf(card) + 1) % list.length]);
  });
  deck.addEventListener("toggle", (event) => {
    if (event.target.open) event.target.querySelector("[data-drawer-focus]")?.focus();
  }, true);
  arm();
})();
