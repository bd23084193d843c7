// The phone beside a text field follows what is typed: the words, the characters, the SMS parts.
// <textarea data-phone="x"> writes into <figure id="x"> (_components/phone.html with live="x") and
// into #x-size (_components/sms_size.html with live="x"); <input data-phone-subject="x"> into its
// subject line. Counting as in outreach/texts.py. Works for parts that are swapped in later too.
(() => {
  "use strict";
  const BASIC = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
  const DOUBLE = new Set("^{}\\[~]|€\f");

  const sizeOf = (text) => {
    const characters = [...text];
    const culprits = [...new Set(characters.filter((c) => !BASIC.has(c) && !DOUBLE.has(c)))].sort().join("");
    const units = culprits ? text.length : characters.reduce((sum, c) => sum + (DOUBLE.has(c) ? 2 : 1), 0);
    const [single, part] = culprits ? [70, 67] : [160, 153];
    return { characters: characters.length, parts: units <= single ? 1 : Math.ceil(units / part), culprits };
  };
  // Fields without a value stay as they are, as the server leaves them.
  const fill = (text, phone) => {
    const sample = JSON.parse(phone.dataset.sample || "{}");
    return text.replace(/\{(\w+)\}/g, (field, name) => sample[name] || field);
  };
  const words = (pattern, value) => pattern.replace("#", value);

  const showSize = (meter, size) => {
    meter.querySelector("[data-characters]").textContent = words(meter.dataset.n, size.characters);
    meter.querySelector("[data-sms-parts]").textContent =
      size.parts === 1 ? meter.dataset.part : words(meter.dataset.parts, size.parts);
    const culprits = meter.querySelector("[data-culprits]");
    culprits.hidden = !size.culprits;
    culprits.querySelector("span").textContent = words(meter.dataset.unicode, size.culprits);
  };

  const follow = (field) => {
    const id = field.dataset.phone || field.dataset.phoneSubject;
    const phone = document.getElementById(id);
    if (!phone) return;
    const text = fill(field.value.trim(), phone);
    if (field.dataset.phoneSubject) {
      const line = phone.querySelector("[data-subject]");
      line.textContent = text;
      line.hidden = !text;
      return;
    }
    phone.querySelector("[data-body]").textContent = text;
    const meter = document.getElementById(`${id}-size`);
    if (!meter) return;
    meter.hidden = field.form?.elements.channel?.value === "email";
    showSize(meter, sizeOf(text));
  };

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-phone], [data-phone-subject]")) follow(event.target);
    else if (event.target.name === "channel") event.target.form?.querySelectorAll("[data-phone]").forEach(follow);
  });
})();
