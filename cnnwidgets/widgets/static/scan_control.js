// A scan over one's own pictures: what to scan, how far it is, and how to stop it.

import { h, onKeys, svg } from "./shared/dom.js";
import { openProgress, pace, whole } from "./shared/progress.js";
import { openView } from "./shared/view.js";
import { filesIn } from "./scan/pictures.js";
import { openSender } from "./scan/sender.js";

const pictures = (n) => `${whole(n)} picture${n === 1 ? "" : "s"}`;

function render({ model, el }) {
  const view = openView(model, el, "scan", "Pictures to scan");

  // -- what is shown now, and the way back --

  const source = h("span", { class: "cw-scan-source" });
  const back = h("button", { type: "button", class: "cw-button cw-scan-back" }, svg("M6 3L2 7l4 4M2 7h7a4 4 0 010 8H7"), h("span"));
  const head = h("div", { class: "cw-row cw-scan-head" }, h("span", { class: "cw-label" }, "pictures"), source, back);

  // -- choosing --

  const field = h("input", {
    type: "text", class: "cw-field cw-scan-field", "aria-label": "Path of a folder", placeholder: "folder, such as ~/pictures",
    title: "a folder on the computer where the kernel runs", autocomplete: "off", spellcheck: "false",
  });
  const scan = h("button", { type: "button", class: "cw-button" }, "Scan");
  const chooser = h("input", { type: "file", accept: "image/*,.tif,.tiff,.heic,.heif", multiple: true, hidden: true });
  const choose = h("button", { type: "button", class: "cw-button" }, svg("M8 11V3M5 6l3-3 3 3M3 10v3h10v-3"), "Choose pictures …");
  const hint = h("span", { class: "cw-soft cw-scan-hint" }, "or drop them here");
  const idle = h(
    "div", { class: "cw-scan-pane" },
    h("div", { class: "cw-scan-line" }, field, scan),
    h("div", { class: "cw-scan-line" }, h("span", { class: "cw-soft cw-scan-or" }, "or"), choose, hint, chooser),
  );

  // -- running --

  const progress = openProgress("Scan");
  const stop = h("button", { type: "button", class: "cw-button cw-scan-stop" }, svg("M4 4h8v8H4z"), "Stop");
  const facts = h("div", { class: "cw-scan-facts" });
  const busy = h("div", { class: "cw-scan-pane cw-scan-busy" }, h("div", { class: "cw-scan-line" }, progress.element, stop), facts);

  const message = h("div", { class: "cw-scan-message" });
  const refused = h("div", { class: "cw-scan-refused", role: "note", "aria-label": "Files that were not sent" });
  view.body.append(head, h("div", { class: "cw-scan-panes" }, idle, busy), message, refused);

  // -- state --

  let asked = 0; // when a folder was sent off to the kernel, which has not answered yet
  let silent = false; // whether the kernel has not answered for a while
  let quarter = 0; // the last quarter that was said aloud
  let was = false;

  const receiving = () => model.get("_expected") > 0 || sender.sending();
  const atWork = () => model.get("running") || receiving();

  const sender = openSender(view, (on) => {
    if (on === silent) return;
    silent = on;
    redraw();
  });

  function drawHead() {
    const home = model.get("home");
    source.textContent = model.get("source") || "none yet";
    back.hidden = !home || home === model.get("source");
    back.lastChild.textContent = `Back to ${home}`;
    back.disabled = atWork();
  }

  function drawNotes() {
    message.textContent = message.title = model.get("message");
    const files = model.get("refused");
    refused.hidden = !files.length;
    refused.replaceChildren(...files.map((text) => h("div", {}, text)));
  }

  function drawWork() {
    const now = atWork();
    const focused = document.activeElement;
    idle.classList.toggle("cw-away", now);
    busy.classList.toggle("cw-away", !now);
    view.root.classList.toggle("cw-at-work", now);
    // not `disabled` while it has the keyboard, which would be lost then
    scan.disabled = !field.value.trim();
    scan.setAttribute("aria-disabled", String(scan.disabled || asked > 0));
    field.disabled = choose.disabled = now;
    // the keyboard goes where the buttons are now
    if (now && !was && idle.contains(focused)) stop.focus({ preventScroll: true });
    if (!now && was && busy.contains(focused)) (field.value ? scan : choose).focus({ preventScroll: true });
    if (now) drawProgress();
    else if (was) view.say(model.get("message") || "ended");
    if (now && !was) quarter = 0;
    was = now;
  }

  function drawProgress() {
    const running = model.get("running");
    const stopping = model.get("stopping");
    const done = running ? model.get("done") : model.get("_arrived");
    const total = running ? model.get("total") : model.get("_expected");
    const told = [];
    if (silent) told.push("waiting for the kernel …");
    else if (stopping) told.push("stopping …");
    if (running) {
      const [count, ...more] = pace(done, total, stopping ? 0 : model.get("rate"), "images");
      told.push(total ? count : pictures(done), ...more);
    } else if (total) told.push(`${whole(done)} of ${whole(total)} sent`);
    facts.textContent = told.join(" · ");
    stop.setAttribute("aria-disabled", String(stopping));
    progress.show(done, total, facts.textContent);
    const share = total ? Math.min(done / total, 1) : 0;
    const passed = Math.floor(share * 4);
    if (running && passed > quarter && passed < 4) view.say(`${passed * 25} % scanned`);
    quarter = passed;
  }

  function redraw() {
    drawHead();
    drawNotes();
    drawWork();
  }

  // -- doing --

  function startFolder() {
    const folder = field.value.trim();
    if (!folder || asked || atWork()) return;
    view.set({ folder, error: "" });
    view.flush(); // now, lest it arrive after the error that this scan may end with, and take that away
    model.send({ kind: "scan", folder });
    asked = setTimeout(() => {
      message.textContent = "waiting for the kernel …";
    }, 1000);
    drawWork();
  }

  function answered() {
    if (!asked) return;
    clearTimeout(asked);
    asked = 0;
    redraw();
  }
  view.signal.addEventListener("abort", () => clearTimeout(asked));

  function sendFiles(files) {
    if (!files.length || atWork()) return;
    model.set("message", "");
    const sent = sender.send(files);
    redraw();
    view.say(`sending ${pictures(files.length)}`);
    sent.then(() => view.signal.aborted || redraw());
  }

  view.listen(field, "input", drawWork);
  view.listen(field, "change", () => view.set({ folder: field.value }));
  onKeys(field, { Enter: startFolder }, view.signal);
  view.listen(scan, "click", startFolder);
  view.listen(choose, "click", () => chooser.click());
  view.listen(chooser, "change", () => {
    sendFiles([...chooser.files]);
    chooser.value = ""; // so that the same files can be chosen again
  });
  view.listen(stop, "click", () => {
    if (stop.getAttribute("aria-disabled") === "true") return;
    sender.stop();
    model.send({ kind: "cancel" });
    stop.setAttribute("aria-disabled", "true"); // until the kernel says so
    if (!model.get("running")) redraw();
  });
  view.listen(back, "click", () => model.send({ kind: "reset" }));

  view.listen(view.root, "dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would upload them to the server
    event.dataTransfer.dropEffect = atWork() ? "none" : "copy";
    if (!atWork()) view.root.classList.add("cw-dropping");
  });
  view.listen(view.root, "dragleave", (event) => {
    if (!view.root.contains(event.relatedTarget)) view.root.classList.remove("cw-dropping");
  });
  view.listen(view.root, "drop", (event) => {
    view.root.classList.remove("cw-dropping");
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    event.stopPropagation();
    filesIn(event.dataTransfer).then((files) => {
      if (files.length) sendFiles(files);
      else message.textContent = "there is no picture in what was dropped";
    });
  });

  view.on("folder", () => {
    if (document.activeElement !== field) field.value = model.get("folder");
    drawWork();
  });
  view.on(["source", "home"], drawHead);
  view.on(["running", "_expected"], redraw);
  view.on(["message", "refused"], drawNotes);
  view.on(["running", "error", "message", "refused"], answered);
  view.on(["done", "total", "rate", "stopping", "_arrived"], () => atWork() && drawProgress());
  field.value = model.get("folder");
  redraw();
  return view.close;
}

export default { render };
