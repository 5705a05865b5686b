// Names of things that were added, each of which can be taken away.

import { h, svg } from "./shared/dom.js";
import { openView } from "./shared/view.js";

const CROSS = "M4 4l8 8M12 4l-8 8";

function render({ model, el }) {
  const view = openView(model, el, "chips", "Added");
  const label = h("span", { class: "cw-label" });
  const empty = h("span", { class: "cw-soft" });
  const list = h("span", { class: "cw-chips-list", role: "list" });
  const all = h("button", { type: "button", class: "cw-button cw-chips-all" }, svg(CROSS), "Take all away");
  view.body.append(h("div", { class: "cw-row cw-chips-row" }, label, empty, list, all));

  function draw() {
    const names = model.get("names");
    const at = [...list.children].findIndex((chip) => chip.contains(document.activeElement));
    label.textContent = model.get("label");
    empty.textContent = model.get("empty");
    empty.hidden = names.length > 0;
    all.hidden = names.length < 2;
    list.replaceChildren(...names.map(chip));
    if (at >= 0) list.children[Math.min(at, names.length - 1)]?.lastChild.focus({ preventScroll: true }); // the keyboard stays
  }

  function chip(name) {
    const cross = h("button", { type: "button", class: "cw-plain", "aria-label": `Take ${name} away`, title: "take it away" }, svg(CROSS, 12));
    view.listen(cross, "click", () => remove([name]));
    return h("span", { class: "cw-chips-one", role: "listitem", title: name }, h("span", { class: "cw-chips-name" }, name), cross);
  }

  function remove(names) {
    model.send({ kind: "remove", names });
    view.say(names.length > 1 ? "all taken away" : `${names[0]} taken away`);
  }

  view.listen(all, "click", () => remove(model.get("names")));
  view.on(["names", "label", "empty"], draw);
  draw();
  return view.close;
}

export default { render };
