// What ipympl's canvas lacks: keys that neither delete the cell nor hold the reader captive, a label, a place for errors.

import { clamp, h } from "./shared/dom.js";
import { openView } from "./shared/view.js";

const STEP = 10;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function render({ model, el }) {
  const view = openView(model, el, "figure", "Messages of the figure");
  view.on("said", () => view.say(model.get("said")));
  view.on("label", () => adopt());
  const watch = new MutationObserver(() => adopt());
  view.signal.addEventListener("abort", () => watch.disconnect());
  let box = null;

  // The parts around this one come into the page after it, and the canvas when the kernel has time for it.
  const begin = view.eachFrame(() => {
    if (!el.isConnected) return begin();
    box = el.closest(".cw-live-figure");
    if (!box) return;
    watch.observe(box, { childList: true, subtree: true });
    adopt();
  });

  function adopt() {
    if (!box) return;
    for (const img of box.querySelectorAll("img")) if (img.alt !== model.get("label")) img.alt = model.get("label");
    for (const canvas of box.querySelectorAll(".jupyter-matplotlib-canvas-div")) {
      if (!canvas.dataset.lmSuppressShortcuts) takeKeys(canvas);
      canvas.setAttribute("aria-label", model.get("label"));
    }
  }

  function takeKeys(canvas) {
    canvas.dataset.lmSuppressShortcuts = "true";
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "figure, arrows move a cross, Enter clicks");
    const cross = h("div", { class: "cw-figure-cross", hidden: true });
    canvas.append(cross);
    const pointed = () => canvas.querySelector("canvas:last-of-type");
    let at = null; // the cross, in pixels

    function mouse(...types) {
      const { left, top } = pointed().getBoundingClientRect();
      const where = { clientX: Math.round(left + at[0]), clientY: Math.round(top + at[1]), button: 0, bubbles: true };
      for (const type of types) pointed().dispatchEvent(new MouseEvent(type, { ...where, buttons: type === "mousedown" ? 1 : 0 }));
    }

    function move([right, down], step) {
      const { width, height } = pointed().getBoundingClientRect();
      at ??= [Math.round(width / 2), Math.round(height / 2)];
      if (!cross.hidden) at = [clamp(at[0] + right * step, 0, width - 1), clamp(at[1] + down * step, 0, height - 1)];
      cross.style.left = `${at[0]}px`;
      cross.style.top = `${at[1]}px`;
      cross.hidden = false;
      mouse("mousemove");
    }

    // ipympl listens at the element itself and takes every key, Tab too: none gets so far.
    function onKey(event) {
      event.stopPropagation();
      if (event.type !== "keydown" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (MOVES[event.key]) move(MOVES[event.key], event.shiftKey ? 1 : STEP);
      else if ((event.key === "Enter" || event.key === " ") && !cross.hidden) mouse("mousedown", "mouseup");
      else if (event.key === "Escape" && !cross.hidden) hide();
      else return;
      event.preventDefault();
    }

    function hide() {
      if (cross.hidden) return;
      cross.hidden = true;
      mouse("mouseleave");
    }

    for (const type of ["keydown", "keyup"]) view.listen(canvas.parentElement, type, onKey, { capture: true });
    view.listen(canvas, "blur", hide);
    view.listen(canvas, "pointermove", () => (cross.hidden = true));
  }

  begin();
  return view.close;
}

export default { render };
