// One class, several, or all of them; of very many, by typing a part of the name.

import { h, onKeys, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";

const FEW = 30; // so many names are all shown

function render({ model, el }) {
  const view = openView(model, el, "classes", "Classes");
  const chips = h("div", { class: "cw-classes-chips", role: "group", "aria-label": "classes" });
  const all = h("button", { type: "button", class: "cw-button" }, "all");
  const several = h("input", { type: "checkbox" });
  const listId = uniqueId("names");
  const names = h("datalist", { id: listId });
  const find = h("input", { type: "text", class: "cw-field cw-classes-find", list: listId, placeholder: "class, by a part of its name", "aria-label": "find a class" });
  const refused = h("span", { class: "cw-soft" });
  view.body.append(
    h("div", { class: "cw-row cw-classes-row" }, find, names, chips, h("label", { class: "cw-check", title: "a click adds a class, or takes it away; otherwise with Ctrl or Shift" }, several, "several"), all, refused),
  );

  const isFew = () => model.get("classes").length <= FEW;
  let drawn = "";
  let drawnOf = null;

  function draw() {
    const classes = model.get("classes");
    const chosen = model.get("chosen");
    const shown = isFew() ? classes.map((_, i) => i) : chosen;
    const key = JSON.stringify(shown);
    if (key !== drawn || classes !== drawnOf) {
      drawn = key;
      drawnOf = classes;
      const at = [...chips.children].indexOf(document.activeElement);
      chips.replaceChildren(...shown.map((i) => h("button", { type: "button", class: "cw-chip", "data-place": i }, classes[i])));
      if (at >= 0) chips.children[Math.min(at, shown.length - 1)]?.focus({ preventScroll: true });
      names.replaceChildren(...(isFew() ? [] : classes.map((value) => h("option", { value }))));
    }
    for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chosen.includes(Number(chip.dataset.place))));
    find.hidden = isFew();
    all.hidden = classes.length > model.get("most") || classes.length < 2;
    all.textContent = chosen.length === classes.length ? "only one" : `all ${classes.length}`;
    if (chosen.length > 1) several.checked = true;
  }

  function choose(chosen) {
    refused.textContent = chosen.length > model.get("most") ? `at most ${model.get("most")}` : "";
    if (refused.textContent || !chosen.length) return;
    view.set({ chosen });
    view.flush();
    view.say(chosen.map((i) => model.get("classes")[i]).join(", "));
  }
  function toggle(place, adds) {
    const chosen = model.get("chosen");
    if (!adds) return choose([place]);
    choose(chosen.includes(place) ? chosen.filter((each) => each !== place) : [...chosen, place]);
  }

  view.listen(chips, "click", (event) => {
    const chip = event.target.closest("button");
    if (chip) toggle(Number(chip.dataset.place), several.checked || event.shiftKey || event.ctrlKey || event.metaKey);
  });
  const step = (by) => {
    const all = [...chips.children];
    all[all.indexOf(document.activeElement) + by]?.focus({ preventScroll: true });
  };
  onKeys(chips, { ArrowLeft: () => step(-1), ArrowRight: () => step(1) }, view.signal);
  view.listen(several, "change", () => !several.checked && model.get("chosen").length > 1 && choose(model.get("chosen").slice(0, 1)));
  view.listen(all, "click", () => {
    const every = model.get("classes").map((_, i) => i);
    const isAll = model.get("chosen").length === every.length;
    several.checked = !isAll;
    choose(isAll ? [0] : every);
  });

  function take() {
    const wanted = find.value.trim().toLowerCase();
    if (!wanted) return;
    const classes = model.get("classes").map((name) => name.toLowerCase());
    const exact = classes.indexOf(wanted);
    const place = exact >= 0 ? exact : classes.findIndex((name) => name.includes(wanted));
    if (place < 0) return (refused.textContent = `no class has "${wanted}" in its name`);
    find.value = "";
    toggle(place, several.checked);
  }
  view.listen(find, "change", take);
  onKeys(find, { Enter: take }, view.signal);

  view.on(["classes", "chosen", "most"], view.eachFrame(draw));
  draw();
  return view.close;
}

export default { render };
