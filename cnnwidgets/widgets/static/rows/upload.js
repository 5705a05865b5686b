// A picture of one's own: by a button, dropped or pasted.

import { h, svg } from "../shared/dom.js";
import { FileError, bytesToSend, fileOf } from "../picker/files.js";

export function openUpload(view) {
  const { model, root } = view;
  const chooser = h("input", { type: "file", accept: "image/*,.tif,.tiff", hidden: true });
  const button = h("button", { type: "button", class: "cw-button" }, svg("M8 11V3M5 6l3-3 3 3M3 10v3h10v-3"), "Upload");
  const hint = h("span", { class: "cw-soft cw-rows-hint" }, "or drop or paste a picture here");
  const element = h("span", { class: "cw-rows-upload" }, button, chooser, hint);

  function wait(on) {
    hint.textContent = on ? "reading …" : "or drop or paste a picture here";
  }

  async function take(file) {
    if (!file) return;
    wait(true);
    model.set("error", "");
    try {
      const bytes = await bytesToSend(file);
      if (!view.signal.aborted) model.send({ kind: "upload", name: file.name || "pasted picture" }, undefined, [bytes]);
    } catch (error) {
      wait(false);
      view.set({ error: error instanceof FileError ? error.message : `${file.name} could not be read: ${error.message}` });
    }
  }

  const allowed = () => model.get("can_upload");
  view.listen(button, "click", () => chooser.click());
  view.listen(chooser, "change", () => {
    take(chooser.files[0]);
    chooser.value = ""; // so that the same file can be chosen again
  });
  view.listen(root, "dragover", (event) => {
    if (!allowed() || ![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would upload it to the server
    root.classList.add("cw-dropping");
  });
  view.listen(root, "dragleave", (event) => {
    if (!root.contains(event.relatedTarget)) root.classList.remove("cw-dropping");
  });
  for (const [type, property] of [["drop", "dataTransfer"], ["paste", "clipboardData"]]) {
    view.listen(root, type, (event) => {
      root.classList.remove("cw-dropping");
      const file = allowed() && fileOf(event[property]);
      if (!file) return;
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would paste a cell
      take(file);
    });
  }
  view.on(["_received", "error"], () => wait(false));
  return { element };
}
