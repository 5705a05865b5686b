// Play, pause, one step, from the start again; how far it is.

import { clamp, h, onKeys, svg, uniqueId } from "./shared/dom.js";
import { openProgress, whole } from "./shared/progress.js";
import { openView } from "./shared/view.js";

const PLAY = "M5 3l8 5-8 5z";
const PAUSE = "M4 3h3v10H4zM9 3h3v10H9z";
const STEP = "M4 3l6 5-6 5zM12 3v10";
const AGAIN = "M3 8a5 5 0 101.5-3.6M4 1.5V5h3.5";

function render({ model, el }) {
  const view = openView(model, el, "run", "Play and pause");
  const button = (text, icon, title, more = "") => h("button", { type: "button", class: `cw-button ${more}`, title }, svg(icon), h("span", {}, text));
  const play = button("Play", PLAY, "go on, for so many steps", "cw-run-play");
  const step = button("Step", STEP, "one step");
  const again = button("Restart", AGAIN, "from the start again, with the same seed");
  const field = (trait, label, title, most) => {
    const id = uniqueId(trait);
    const input = h("input", { id, type: "number", class: "cw-field cw-run-number", min: trait === "seed" ? 0 : 1, max: most, step: 1 });
    const take = () => {
      const wanted = Math.round(Number.parseFloat(input.value)); // which may be 1e3
      if (Number.isFinite(wanted)) view.set({ [trait]: clamp(wanted, Number(input.min), most) });
      input.value = model.get(trait);
    };
    view.listen(input, "change", take);
    onKeys(input, { Enter: take }, view.signal);
    const draw = () => document.activeElement !== input && (input.value = model.get(trait));
    view.on(trait, draw);
    draw();
    return h("span", { class: "cw-run-part" }, h("label", { class: "cw-label", for: id, title }, label), input);
  };
  const check = (trait, text, title) => {
    const input = h("input", { type: "checkbox" });
    view.listen(input, "change", () => view.set({ [trait]: input.checked }));
    const element = h("label", { class: "cw-check", title }, input, text);
    const draw = () => {
      input.checked = model.get(trait);
      element.hidden = !model.get(`can_${trait}`);
    };
    view.on([trait, `can_${trait}`], draw);
    draw();
    return element;
  };
  const progress = openProgress("Steps");
  const facts = h("span", { class: "cw-run-facts" });
  const busy = h("span", { class: "cw-run-busy" }, progress.element);
  view.body.append(
    h(
      "div", { class: "cw-row cw-run-row" },
      h("span", { class: "cw-run-buttons" }, play, step, again),
      field("n_steps", "steps", "after so many it pauses by itself", 100_000),
      field("seed", "seed", "where chance begins: the same seed gives the same image", 9999),
      check("compare", "compare two settings", "two images side by side, from the same start"),
      check("fast", "half precision", "computed in bfloat16: faster, a little less exact"),
    ),
    h("div", { class: "cw-run-state" }, busy, facts),
  );

  function draw() {
    const [running, stopping, done] = ["running", "stopping", "done"].map((name) => model.get(name));
    const [text, icon] = running ? ["Pause", PAUSE] : ["Play", PLAY];
    if (play.lastChild.textContent !== text) {
      play.replaceChildren(svg(icon), h("span", {}, text));
      play.title = running ? "stop here, and go on later" : "go on, for so many steps";
    } else if (!play.firstChild) play.prepend(svg(icon));
    play.classList.toggle("cw-run-on", running);
    for (const [each, off] of [[play, running && stopping], [step, running], [again, !running && !done]]) each.setAttribute("aria-disabled", String(off));
    drawProgress();
  }
  function drawProgress() {
    const [running, done, total, rate, message] = ["running", "done", "total", "rate", "message"].map((name) => model.get(name));
    busy.classList.toggle("cw-run-still", !running);
    const count = `step ${whole(done)}${running && total ? ` of ${whole(total)}` : ""}`;
    const speed = running && rate > 0 ? `${rate < 10 ? rate.toFixed(1) : whole(Math.round(rate))} steps a second` : "";
    const parts = [done || running ? count : "", speed, running ? (model.get("stopping") ? "pausing" : "") : message];
    facts.textContent = parts.filter(Boolean).join(" · ");
    facts.title = facts.textContent;
    progress.show(running || done ? done : 0, total || Math.max(1, done), facts.textContent);
  }

  const off = (each) => each.getAttribute("aria-disabled") === "true";
  function ask(each, kind) {
    if (off(each)) return;
    view.flush(); // the kernel hears of the settings first
    model.send({ kind });
  }
  view.listen(play, "click", () => ask(play, model.get("running") ? "pause" : "play"));
  view.listen(step, "click", () => ask(step, "step"));
  view.listen(again, "click", () => ask(again, "restart"));

  let was = model.get("running");
  view.on("running", () => {
    const now = model.get("running");
    if (was !== now) view.say(now ? "running" : `${facts.textContent || "done"}`);
    was = now;
  });
  view.on(["running", "stopping", "message"], draw);
  view.on(["done", "total", "rate"], view.eachFrame(draw));
  draw();
  return view.close;
}

export default { render };
