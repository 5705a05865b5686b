// A menu of parts, and the units that fire on the chosen one.

import { clamp, h, number, onKeys, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";

const scoreText = (score) => (score === null ? "–" : Math.abs(score) <= 1 ? score.toFixed(2).replace("-", "−") : number(score));

function render({ model, el }) {
  const view = openView(model, el, "search", "Units by what they fire on");
  const id = uniqueId("search");
  const menu = h("select", { id, class: "cw-search-menu" });
  const label = h("label", { for: id, class: "cw-label" }, "fires on");
  const measure = h("span", { class: "cw-soft" });
  const list = h("div", { id: `${id}-list`, class: "cw-search-list", role: "listbox", tabindex: 0 });
  const message = h("div", { class: "cw-soft cw-search-message" });
  view.body.append(h("div", { class: "cw-row cw-search-head" }, label, menu, measure), list, message);

  let active = 0; // the chip that the arrow keys are at

  const hits = () => model.get("hits");
  const same = (hit, unit) => unit && hit.layer === unit.layer && hit.channel === unit.channel;
  const chosenAt = () => hits().findIndex((hit) => same(hit, model.get("chosen")));
  const told = (hit) => `${hit.layer} channel ${hit.channel}, ${model.get("measure")} ${hit.score === null ? "unknown" : scoreText(hit.score)}`;

  function drawMenu() {
    const parts = model.get("parts");
    menu.replaceChildren(h("option", { value: "" }, "anything"), ...parts.map((part) => h("option", { value: part }, part)));
    menu.value = model.get("part");
    menu.disabled = !parts.length;
    label.classList.toggle("cw-off", !parts.length);
  }

  function drawHits() {
    const part = model.get("part");
    const best = Math.max(...hits().map((hit) => hit.score ?? 0));
    active = clamp(active, 0, Math.max(hits().length - 1, 0));
    list.hidden = !hits().length;
    list.setAttribute("aria-label", `Units that fire on ${part || "anything"}, best first`);
    measure.textContent = hits().length ? `best units by ${model.get("measure")}` : "";
    list.replaceChildren(
      ...hits().map((hit, place) => {
        const bar = h("span", { class: "cw-search-bar" }, h("span"));
        bar.firstChild.style.width = best > 0 ? `${clamp((hit.score ?? 0) / best, 0, 1) * 100}%` : "0";
        return h(
          "div",
          { id: `${id}-${place}`, role: "option", class: "cw-search-hit", "data-place": place, "aria-label": told(hit) },
          h("span", { class: "cw-search-unit" }, `${hit.layer} · ${hit.channel}`),
          h("span", { class: "cw-search-score" }, scoreText(hit.score)),
          bar,
        );
      }),
    );
    const text = model.get("message");
    message.textContent = text || (hits().length || !model.get("parts").length ? "" : part ? "" : "choose a part to find the units that fire on it");
    mark();
  }

  function mark() {
    const at = chosenAt();
    const focused = document.activeElement === list;
    [...list.children].forEach((chip, place) => {
      chip.setAttribute("aria-selected", String(place === at));
      chip.classList.toggle("cw-active", focused && place === active);
    });
    if (hits().length) list.setAttribute("aria-activedescendant", `${id}-${active}`);
    else list.removeAttribute("aria-activedescendant");
  }

  function choose(place) {
    const unit = hits()[place];
    if (!unit) return;
    active = place;
    // a message, as the same unit may be chosen again after another one was shown
    model.set("chosen", { ...unit });
    model.send({ kind: "choose", unit });
    view.say(`${told(unit)}, chosen`);
    mark();
  }

  function move(to) {
    active = clamp(to, 0, Math.max(hits().length - 1, 0));
    mark();
    if (hits()[active]) view.say(told(hits()[active]));
  }

  function step(by) {
    menu.selectedIndex = clamp(menu.selectedIndex + by, 0, menu.options.length - 1);
    ask();
  }

  function ask() {
    active = 0;
    if (menu.value !== model.get("part")) view.set({ part: menu.value });
  }

  view.listen(menu, "change", ask);
  // said here too, since browsers differ in which arrow keys move a closed menu
  onKeys(menu, { ArrowUp: () => step(-1), ArrowLeft: () => step(-1), ArrowDown: () => step(1), ArrowRight: () => step(1) }, view.signal);
  onKeys(
    list,
    {
      ArrowRight: () => move(active + 1),
      ArrowDown: () => move(active + 1),
      ArrowLeft: () => move(active - 1),
      ArrowUp: () => move(active - 1),
      Home: () => move(0),
      End: () => move(Infinity),
      Enter: () => choose(active),
      " ": () => choose(active),
    },
    view.signal,
  );
  view.listen(list, "click", (event) => {
    const chip = event.target.closest("[role=option]");
    if (chip) choose(Number(chip.dataset.place));
  });
  view.listen(list, "focus", () => {
    active = Math.max(0, chosenAt());
    mark();
  });
  view.listen(list, "blur", mark);
  view.on(["parts", "part"], () => {
    drawMenu();
    drawHits();
  });
  view.on("hits", () => {
    drawHits();
    if (hits().length) view.say(`${hits().length} units, best ${told(hits()[0])}`);
    else if (model.get("message")) view.say(model.get("message"));
  });
  view.on(["message", "measure"], drawHits);
  view.on("chosen", mark);
  drawMenu();
  drawHits();
  return view.close;
}

export default { render };
