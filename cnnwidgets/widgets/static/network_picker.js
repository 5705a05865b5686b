// A list of networks to choose from; those whose weights are not here say what it takes to get them.

import { h, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";

const RANDOM = ":random";

// Python among the words of a note is set as code: what stands between backticks, and calls of cw.
function words(note) {
  const parts = note.split(/(`[^`]+`|\bcw\.\w+\([^)]*\))/);
  return parts.map((part, i) => (i % 2 ? h("code", {}, part.replaceAll("`", "")) : part));
}

function render({ model, el }) {
  const view = openView(model, el, "networks", "Networks");
  const heading = h("div", { class: "cw-label" });
  const list = h("ul", { class: "cw-networks-list" });
  const empty = h("div", { class: "cw-soft" }, "no networks to choose from");
  view.body.append(heading, list, empty);

  const isChosen = (entry) => model.get("chosen").includes(entry);

  function row(option) {
    const { name, title, available, note, untrained } = option;
    const id = uniqueId("network");
    const box = h("input", { type: "checkbox", "data-entry": name, disabled: !available, "aria-describedby": note ? id : null });
    box.checked = available && isChosen(name);
    const label = h("label", { class: "cw-check cw-networks-title" }, box, h("span", {}, title));
    if (untrained) label.append(h("span", { class: "cw-networks-untrained" }, "untrained"));
    const line = h("div", { class: "cw-networks-line" }, label);
    // random weights are offered where there are no others, and can be put away wherever they are shown
    const shown = isChosen(name + RANDOM);
    if (!available || shown) {
      const text = shown ? "shown untrained" : "show untrained";
      line.append(
        h("button", { type: "button", class: "cw-chip", "data-entry": name + RANDOM, "aria-pressed": String(shown), "aria-label": `${title}: ${text}` }, text),
      );
    }
    const item = h("li", { class: available ? "cw-network" : "cw-network cw-network-away" }, line);
    if (note) item.append(h("div", { id, class: "cw-soft cw-networks-note" }, ...words(note)));
    return item;
  }

  function redraw() {
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.entry : null;
    const options = model.get("options");
    heading.textContent = model.get("label");
    heading.hidden = !heading.textContent;
    list.setAttribute("aria-label", model.get("label") || "networks");
    empty.hidden = options.length > 0;
    list.replaceChildren(...options.map(row));
    // the one that has the keyboard keeps it
    for (const control of list.querySelectorAll("[data-entry]")) if (control.dataset.entry === focused) control.focus();
  }

  function toggle(entry) {
    const on = isChosen(entry);
    const chosen = model.get("chosen");
    const { title } = model.get("options").find((option) => option.name === entry.replace(RANDOM, ""));
    view.set({ chosen: on ? chosen.filter((other) => other !== entry) : [...chosen, entry] });
    view.say(`${title}${entry.endsWith(RANDOM) ? ", untrained" : ""} ${on ? "taken away" : "chosen"}`);
  }

  view.listen(list, "change", (event) => toggle(event.target.dataset.entry));
  view.listen(list, "click", (event) => {
    const button = event.target.closest("button");
    if (button) toggle(button.dataset.entry);
  });
  view.on(["options", "chosen", "label"], redraw);
  redraw();
  return view.close;
}

export default { render };
