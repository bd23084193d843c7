// Marks the open conversation in the list, and makes room for it on a narrow screen.
(() => {
  "use strict";
  const card = document.querySelector("#card");
  if (!card) return;
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== card) return;
    const path = event.detail.requestConfig.path.split("?")[0];
    for (const row of document.querySelectorAll("#list [data-row]")) {
      const link = row.querySelector("[data-row-link]");
      if (new URL(link.href).pathname === path) {
        row.setAttribute("aria-current", "true");
        link.classList.remove("unread"); // opening it has read it
        row.querySelector(".dot")?.remove();
        row.querySelector(".visually-hidden")?.remove();
      } else row.removeAttribute("aria-current");
    }
    for (const part of document.querySelectorAll(".inbox, .inbox-filters")) part.classList.add("has-open");
  });
})();
