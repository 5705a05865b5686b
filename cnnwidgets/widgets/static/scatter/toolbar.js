// What dragging does, the zoom, when pictures are drawn, and how many points are selected.

import { h, svg } from "../shared/dom.js";
import { grouped } from "./read.js";

const TOOLS = {
  pan: ["Move", "M8 2v12M2 8h12M6 4l2-2 2 2M6 12l2 2 2-2M4 6L2 8l2 2M12 6l2 2-2 2", "drag moves the map"],
  lasso: ["Lasso", "M8 2.5c3.5 0 6 1.8 6 4s-2.5 4-6 4-6-1.8-6-4 2.5-4 6-4M5 10c-2 .5-2 3 0 3.5", "drag around points to select them"],
  box: ["Box", "M2.5 3.5h11v9h-11z", "drag a box over points to select them"],
};
const IMAGES = { zoom: "when zoomed in", always: "always", never: "never" };

const square = (label, path) => h("button", { type: "button", class: "cw-button cw-square", "aria-label": label, title: label }, svg(path));

export function openToolbar(view, scene, clearSelection) {
  const { model } = view;
  const tools = h("div", { class: "cw-choice", role: "group", "aria-label": "What dragging does" });
  for (const [name, [label, path, told]] of Object.entries(TOOLS)) {
    tools.append(h("button", { type: "button", "data-tool": name, "aria-label": label, title: `${label}: ${told}` }, svg(path)));
  }
  const nearer = square("Zoom in", "M8 3v10M3 8h10");
  const farther = square("Zoom out", "M3 8h10");
  const whole = square("Show the whole map", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4");
  const options = Object.entries(IMAGES).map(([value, text]) => h("option", { value }, text));
  const images = h("select", {}, ...options);
  const imaged = h("label", { class: "cw-check" }, h("span", { class: "cw-label" }, "pictures"), images);
  const clear = h("button", { type: "button", class: "cw-button cw-push" }, h("span"), svg("M4 4l8 8M12 4l-8 8", 12));
  const zoom = h("div", { class: "cw-scatter-zoom" }, nearer, farther, whole);
  const element = h("div", { class: "cw-row cw-scatter-tools" }, tools, zoom, imaged);

  function refresh(some) {
    for (const one of tools.children) one.setAttribute("aria-pressed", String(one.dataset.tool === model.get("tool")));
    imaged.hidden = !some;
    images.value = model.get("show_images");
  }

  function chosen(selected) {
    clear.hidden = !selected;
    clear.firstChild.textContent = `${grouped(selected)} selected`;
    clear.setAttribute("aria-label", `${selected} selected: clear the selection`);
  }

  view.listen(tools, "click", (event) => {
    const tool = event.target.closest("button")?.dataset.tool;
    if (tool) view.set({ tool });
  });
  view.listen(nearer, "click", () => scene.camera.zoomBy(1.5));
  view.listen(farther, "click", () => scene.camera.zoomBy(1 / 1.5));
  view.listen(whole, "click", () => scene.camera.reset());
  view.listen(images, "change", () => view.set({ show_images: images.value }));
  view.listen(clear, "click", clearSelection);
  return { element, clear, refresh, chosen };
}
