// How many images of a unit, how different they shall be, and whether of one of its neurons.

import { h } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openStops } from "./ascent/stops.js";

function render({ model, el }) {
  const view = openView(model, el, "unit", "Images of the unit");
  const images = openStops(view, "n_images", { label: "images", stops: [1, 2, 3, 4, 6, 9], told: String, hint: "so many images of the same unit, from different noise" });
  const diverse = openStops(view, "diverse", { label: "diversity", stops: [0, 0.1, 0.2, 0.5, 1, 2, 5, 10], told: (value) => (value ? String(value) : "off"), hint: "how much it is worth that they differ from each other" });
  const neuron = h("input", { type: "checkbox" });
  const text = h("span");
  const one = h("label", { class: "cw-check", title: "otherwise the channel is excited all over the image" }, neuron, text);
  view.body.append(h("div", { class: "cw-row cw-unit-row" }, images.element, diverse.element, one));

  function draw() {
    diverse.slider.disabled = model.get("n_images") < 2;
    diverse.element.classList.toggle("cw-stops-off", diverse.slider.disabled || !model.get("diverse"));
    neuron.checked = model.get("neuron");
    text.textContent = `one neuron only, ${model.get("place")}`;
    one.hidden = !model.get("can_neuron");
  }
  view.listen(neuron, "change", () => view.set({ neuron: neuron.checked }));
  view.on(["n_images", "diverse", "neuron", "can_neuron", "place"], draw);
  draw();
  return view.close;
}

export default { render };
