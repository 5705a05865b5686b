// The most probable classes as bars, and a search among all.

import { floatsOf } from "./shared/bytes.js";
import { clamp, h, onKeys, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";

function render({ model, el }) {
  const view = openView(model, el, "classes", "Class");
  const id = uniqueId("class");
  const search = h("input", {
    type: "search", class: "cw-field cw-classes-search", role: "combobox", autocomplete: "off", spellcheck: "false",
    "aria-label": "Search a class", "aria-controls": id, "aria-expanded": "false",
  });
  const follow = h("input", { type: "checkbox" });
  const following = h("label", { class: "cw-check cw-push" }, follow, "follow the top class");
  const list = h("div", { class: "cw-classes-list", id, role: "listbox", tabindex: 0, "aria-label": "Most probable classes" });
  view.body.append(h("div", { class: "cw-row" }, search, following), list);

  let probabilities = new Float32Array(0);
  let ranking = []; // classes, most probable first
  let shown = []; // classes of the rows, from top to bottom
  let active = 0; // the row that the arrow keys are at

  const names = () => model.get("classes");
  const query = () => search.value.trim().toLowerCase();

  function read() {
    probabilities = floatsOf(model.get("probabilities"));
    const key = (i) => (probabilities.length && !Number.isNaN(probabilities[i]) ? probabilities[i] : -1);
    ranking = names().map((_, i) => i).sort((a, b) => key(b) - key(a) || a - b);
    redraw();
  }

  // Names with this very word come first ("tiger cat" for "cat"), then those with a word that begins so ("catamaran"),
  // then those that hold it anywhere ("muscat"); among equals the most probable.
  function found(text) {
    const quoted = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const starts = new RegExp(`(^|[^\\p{L}\\d])${quoted}`, "u");
    const word = new RegExp(`(^|[^\\p{L}\\d])${quoted}($|[^\\p{L}\\d])`, "u");
    const grades = new Map();
    names().forEach((original, i) => {
      const name = original.toLowerCase();
      if (name.includes(text)) grades.set(i, word.test(name) ? 0 : starts.test(name) ? 1 : 2);
    });
    return ranking.filter((i) => grades.has(i)).sort((a, b) => grades.get(a) - grades.get(b));
  }

  function redraw() {
    const k = model.get("k");
    const target = model.get("target");
    const searching = query() !== "";
    const all = searching ? found(query()) : ranking;
    shown = all.slice(0, searching ? k + 1 : k);
    const apart = !searching && names().length && !shown.includes(target);
    if (apart) shown.push(target);
    active = clamp(active, 0, Math.max(shown.length - 1, 0));
    search.placeholder = names().length ? `search ${names().length.toLocaleString("en-US")} classes` : "no classes";
    search.disabled = !names().length;
    search.setAttribute("aria-expanded", String(searching));
    follow.checked = model.get("follow");
    following.hidden = !probabilities.length || !model.get("can_follow");
    list.style.minHeight = `${(Math.min(k, names().length) + (names().length > k ? 1 : 0)) * 28 + 9}px`;
    list.replaceChildren(...shown.map((index, row) => option(index, row, apart && row === shown.length - 1)));
    if (searching && !shown.length) list.append(h("div", { class: "cw-soft cw-classes-none" }, `no class named “${search.value.trim()}”`));
    if (searching && all.length > shown.length) list.append(h("div", { class: "cw-soft cw-classes-none" }, `and ${all.length - shown.length} more`));
    mark();
  }

  function option(index, row, apart) {
    const probability = probabilities[index];
    const known = Number.isFinite(probability);
    const bar = h("span", { class: "cw-classes-bar" }, h("span"));
    bar.firstChild.style.width = known ? `${clamp(probability, 0, 1) * 100}%` : "0";
    bar.hidden = !probabilities.length;
    const percent = h("span", { class: "cw-classes-percent" }, known ? percentage(probability) : "");
    const rank = h("span", { class: "cw-classes-rank cw-soft" }, apart && known ? `${ranking.indexOf(index) + 1}` : "");
    return h(
      "div",
      {
        id: `${id}-${row}`, role: "option", class: `cw-classes-row${apart ? " cw-apart" : ""}`, "data-index": index,
        "aria-selected": String(index === model.get("target")), title: names()[index],
      },
      h("span", { class: "cw-classes-name" }, names()[index]), rank, bar, percent,
    );
  }

  function percentage(probability) {
    if (probability > 0 && probability < 0.001) return "< 0.1 %";
    return `${(100 * probability).toFixed(1)} %`;
  }

  function mark() {
    const focused = list.contains(document.activeElement) || document.activeElement === search;
    [...list.querySelectorAll("[role=option]")].forEach((el, row) => el.classList.toggle("cw-active", focused && row === active));
    for (const owner of [list, search]) {
      if (shown.length) owner.setAttribute("aria-activedescendant", `${id}-${active}`);
      else owner.removeAttribute("aria-activedescendant");
    }
  }

  function choose(index) {
    if (index === undefined) return;
    const best = probabilities.length ? ranking[0] : index;
    const keep = model.get("follow") && index === best;
    search.value = "";
    view.set({ target: index, follow: keep });
    view.say(`Target ${names()[index]}`);
    redraw();
  }

  const move = (to) => {
    active = clamp(to, 0, Math.max(shown.length - 1, 0));
    mark();
    const index = shown[active];
    if (index !== undefined) view.say(`${names()[index]}${probabilities.length ? `, ${percentage(probabilities[index])}` : ""}`);
  };

  const arrows = { ArrowDown: () => move(active + 1), ArrowUp: () => move(active - 1), Enter: () => choose(shown[active]) };
  onKeys(list, { ...arrows, " ": () => choose(shown[active]), Home: () => move(0), End: () => move(Infinity) }, view.signal);
  onKeys(
    search,
    {
      ...arrows,
      Enter: () => query() && choose(shown[active]),
      Escape: () => {
        search.value = "";
        redraw();
      },
    },
    view.signal,
  );
  view.listen(search, "input", () => {
    active = 0;
    redraw();
    view.say(query() ? `${found(query()).length} classes` : "");
  });
  view.listen(list, "click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) choose(Number(row.dataset.index));
  });
  view.listen(follow, "change", () => {
    const best = probabilities.length ? ranking[0] : model.get("target");
    view.set(follow.checked ? { follow: true, target: best } : { follow: false });
  });
  view.listen(list, "focus", () => {
    active = Math.max(0, shown.indexOf(model.get("target")));
    mark();
  });
  for (const owner of [list, search]) view.listen(owner, "blur", mark);
  view.on(["classes", "probabilities"], read);
  view.on(["target", "follow", "can_follow", "k"], redraw);
  read();
  return view.close;
}

export default { render };
