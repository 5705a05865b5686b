// How near is measured, and whether a network that has learned nothing is asked as well.

import { h, onKeys } from "./shared/dom.js";
import { openView } from "./shared/view.js";

const METRICS = {
  l2: ["L2", "the length of the difference of two vectors"],
  cosine: ["cosine", "1 less the cosine of the angle between two vectors: their lengths do not count"],
};

function render({ model, el }) {
  const view = openView(model, el, "retrieval", "Distance");
  const metrics = h(
    "div",
    { class: "cw-choice", role: "group", "aria-label": "distance" },
    ...Object.entries(METRICS).map(([metric, [name, title]]) => h("button", { type: "button", "data-metric": metric, title }, name)),
  );
  const random = h("input", { type: "checkbox" });
  const told = h("span", { class: "cw-soft cw-retrieval-told" });
  view.body.append(
    h(
      "div",
      { class: "cw-retrieval-row" },
      h("span", { class: "cw-label" }, "distance"),
      metrics,
      told,
      h("label", { class: "cw-check" }, random, "compare with a random network"),
    ),
  );

  function draw() {
    for (const button of metrics.children) button.setAttribute("aria-pressed", String(button.dataset.metric === model.get("metric")));
    random.checked = model.get("random");
    told.textContent = METRICS[model.get("metric")][1];
  }

  function choose(button) {
    if (!button) return;
    button.focus({ preventScroll: true });
    view.set({ metric: button.dataset.metric });
    view.say(`distance ${METRICS[button.dataset.metric].join(": ")}`);
  }
  view.listen(metrics, "click", (event) => choose(event.target.closest("button")));
  const walk = (by) => choose(metrics.children[[...metrics.children].indexOf(document.activeElement) + by]);
  onKeys(metrics, { ArrowLeft: () => walk(-1), ArrowRight: () => walk(1) }, view.signal);
  view.listen(random, "change", () => view.set({ random: random.checked }));
  view.on(["metric", "random"], draw);
  draw();
  return view.close;
}

export default { render };
