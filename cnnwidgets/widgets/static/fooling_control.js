// How sure a network shall be of the wrong class, and how far the search for that is.

import { clamp, h, onKeys, svg } from "./shared/dom.js";
import { openProgress } from "./shared/progress.js";
import { openView } from "./shared/view.js";

const CONFIDENCES = [0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999];

function render({ model, el }) {
  const view = openView(model, el, "fooling", "How sure the network shall be");
  const slider = h("input", { type: "range", class: "cw-fooling-slider", min: 0, step: 1, "aria-label": "probability that the wrong class shall have" });
  const told = h("b", { class: "cw-fooling-told" });
  const stop = h("button", { type: "button", class: "cw-button cw-square", "aria-label": "Stop here", title: "stop here, and keep the best that was found" }, svg("M4 4h8v8H4z"));
  const progress = openProgress("The search");
  const message = h("span", { class: "cw-soft cw-fooling-message" });
  view.body.append(
    h(
      "div", { class: "cw-row cw-fooling-row" },
      h("span", { class: "cw-label" }, "it shall be sure by"), slider, told,
      h("span", { class: "cw-fooling-work" }, stop, progress.element, message),
    ),
  );
  let offered = [];

  function drawChoice() {
    const now = model.get("confidence");
    offered = [...new Set([...CONFIDENCES, now])].sort((a, b) => a - b);
    slider.max = offered.length - 1;
    slider.value = offered.indexOf(now);
    told.textContent = now ? `${Number((100 * now).toFixed(2))} %` : "just more than any other";
    slider.setAttribute("aria-valuetext", told.textContent);
  }

  function drawWork() {
    const running = model.get("running");
    stop.hidden = progress.element.hidden = !running;
    stop.disabled = model.get("stopping");
    message.textContent = message.title = model.get("message") || (running ? "searching …" : "");
    if (running) progress.show(model.get("done"), model.get("total"), `step ${model.get("done")}`);
  }

  const choose = (place) => {
    const confidence = offered[clamp(place, 0, offered.length - 1)];
    if (confidence !== model.get("confidence")) view.set({ confidence });
  };
  const step = (by) => choose(offered.indexOf(model.get("confidence")) + by);
  view.listen(slider, "input", () => choose(Number(slider.value)));
  view.listen(slider, "change", view.flush);
  // arrow keys of sliders are dead in Notebook 7.6, which takes them for itself
  onKeys(
    slider,
    { ArrowLeft: () => step(-1), ArrowDown: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => step(1), Home: () => choose(0), End: () => choose(Infinity) },
    view.signal,
  );
  view.listen(stop, "click", () => model.send({ kind: "stop" }));
  let was = false;
  view.on("running", () => {
    if (was && !model.get("running")) view.say(model.get("message") || "done");
    was = model.get("running");
  });
  view.on("confidence", drawChoice);
  view.on(["running", "stopping", "message", "done", "total"], drawWork);
  drawChoice();
  drawWork();
  return view.close;
}

export default { render };
