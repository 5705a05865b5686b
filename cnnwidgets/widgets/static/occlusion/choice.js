// One of a few, as a row of buttons.

import { h, onKeys } from "../shared/dom.js";

// hint(value) is told while the pointer rests on a button; icon(value) stands before its text.
export function openChoice(view, label, hint, icon = () => null) {
  const element = h("div", { class: `cw-choice cw-choose-${label}`, role: "group", "aria-label": label });
  let chosen = () => {};
  let drawn = "";
  let values = [];

  // The buttons stay as long as what they offer does, so that none loses the keyboard.
  function draw(offered, value) {
    values = offered;
    const icons = offered.map(icon);
    const key = JSON.stringify([offered, icons.map((each) => each?.dataset.key)]);
    if (key !== drawn) {
      const at = [...element.children].indexOf(document.activeElement);
      drawn = key;
      element.replaceChildren(...offered.map((each, i) => button(each, icons[i])));
      if (at >= 0) element.children[Math.max(offered.indexOf(value), 0)].focus({ preventScroll: true });
    }
    offered.forEach((each, i) => element.children[i].setAttribute("aria-pressed", String(each === value)));
  }

  function button(value, picture) {
    return h("button", { type: "button", title: hint(value) }, ...(picture ? [picture] : []), String(value));
  }

  const place = () => [...element.children].indexOf(document.activeElement);

  function step(by) {
    const to = place() + by;
    if (to < 0 || to >= values.length) return;
    element.children[to].focus({ preventScroll: true });
    chosen(values[to]);
  }

  view.listen(element, "click", (event) => {
    const at = [...element.children].indexOf(event.target.closest("button"));
    if (at >= 0) chosen(values[at]);
  });
  onKeys(element, { ArrowLeft: () => step(-1), ArrowRight: () => step(1) }, view.signal);

  return { element, draw, onChoose: (callback) => (chosen = callback) };
}
