// Which class activation map of which layer is shown.

import { clamp, h, onKeys, svg } from "./shared/dom.js";
import { openView } from "./shared/view.js";

function render({ model, el }) {
  const view = openView(model, el, "cam", "Class activation map");
  const methods = h("div", { class: "cw-choice cw-cam-methods", role: "group", "aria-label": "method" });
  const relu = h("input", { type: "checkbox" });
  const reluLabel = h("label", { class: "cw-check" }, relu, "positive evidence only (ReLU)");
  const back = h("button", { type: "button", class: "cw-button cw-square", "aria-label": "Previous layer" }, svg("M10 3L5 8l5 5"));
  const forth = h("button", { type: "button", class: "cw-button cw-square", "aria-label": "Next layer" }, svg("M6 3l5 5-5 5"));
  const slider = h("input", { type: "range", class: "cw-cam-slider", min: 0, step: 1, "aria-label": "layer" });
  const name = h("b", { class: "cw-cam-layer" });
  const note = h("span", { class: "cw-soft" });
  const ends = [h("span", { class: "cw-soft" }), h("span", { class: "cw-soft" })];
  view.body.append(
    h("div", { class: "cw-cam-row" }, h("span", { class: "cw-label" }, "method"), methods, reluLabel),
    h("div", { class: "cw-cam-row cw-cam-walk" }, h("span", { class: "cw-label" }, "layer"), back, h("span", { class: "cw-cam-track" }, ends[0], slider, ends[1]), forth, h("span", { class: "cw-cam-told" }, name, note)),
  );
  let drawn = "";

  function drawMethods() {
    const offered = model.get("methods");
    const refused = model.get("refused");
    if (JSON.stringify(offered) !== drawn) {
      drawn = JSON.stringify(offered);
      methods.replaceChildren(...offered.map((each) => h("button", { type: "button", "data-method": each }, each)));
    }
    for (const button of methods.children) {
      const why = refused[button.dataset.method];
      button.setAttribute("aria-pressed", String(button.dataset.method === model.get("method")));
      button.setAttribute("aria-disabled", String(Boolean(why)));
      button.title = why ?? "";
    }
    relu.checked = model.get("relu");
    relu.disabled = Boolean(model.get("relu_fixed"));
    reluLabel.title = model.get("relu_fixed");
    reluLabel.classList.toggle("cw-off", relu.disabled);
  }

  function drawLayer() {
    const layers = model.get("layers");
    const place = layers.indexOf(model.get("layer"));
    const fixed = model.get("fixed");
    slider.max = Math.max(layers.length - 1, 0);
    slider.value = place;
    slider.disabled = Boolean(fixed) || layers.length < 2;
    back.disabled = slider.disabled || place <= 0;
    forth.disabled = slider.disabled || place >= layers.length - 1;
    ends[0].textContent = layers[0] ?? "";
    ends[1].textContent = layers.length > 1 ? layers[layers.length - 1] : "";
    name.textContent = model.get("layer");
    const told = [model.get("notes")[place], layers.length && `${place + 1} of ${layers.length}`, fixed];
    note.textContent = told.filter(Boolean).join(" · ");
    slider.setAttribute("aria-valuetext", [model.get("layer"), note.textContent].filter(Boolean).join(", "));
  }

  function choose(button) {
    if (!button) return;
    const why = model.get("refused")[button.dataset.method];
    if (why) view.say(`${button.dataset.method} is not possible here: ${why}`);
    else view.set({ method: button.dataset.method });
  }

  function go(place) {
    const layers = model.get("layers");
    const layer = layers[clamp(place, 0, layers.length - 1)];
    if (layer && layer !== model.get("layer")) view.set({ layer });
  }
  const step = (by) => {
    if (slider.disabled) return;
    go(model.get("layers").indexOf(model.get("layer")) + by);
  };

  view.listen(methods, "click", (event) => choose(event.target.closest("button")));
  const walk = (by) => {
    const to = methods.children[[...methods.children].indexOf(document.activeElement) + by];
    to?.focus({ preventScroll: true });
    choose(to);
  };
  onKeys(methods, { ArrowLeft: () => walk(-1), ArrowRight: () => walk(1) }, view.signal);
  view.listen(relu, "change", () => view.set({ relu: relu.checked }));
  view.listen(slider, "input", () => go(Number(slider.value)));
  view.listen(slider, "change", view.flush);
  // arrow keys of sliders are dead in Notebook 7.6, which takes them for itself
  const keys = { ArrowLeft: () => step(-1), ArrowDown: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => step(1), Home: () => go(0), End: () => go(Infinity) };
  onKeys(slider, keys, view.signal);
  view.listen(back, "click", () => step(-1));
  view.listen(forth, "click", () => step(1));
  view.on(["methods", "refused", "method", "relu", "relu_fixed"], drawMethods);
  view.on(["layers", "layer", "notes", "fixed"], drawLayer);
  drawMethods();
  drawLayer();
  return view.close;
}

export default { render };
