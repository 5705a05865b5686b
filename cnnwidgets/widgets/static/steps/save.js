// Saves what is shown as PNG: exactly, as the kernel has it, else as it is in the page.

import { bytesOf } from "../shared/bytes.js";
import { h, svg } from "../shared/dom.js";

const DOWN = "M8 2.5v7.5M4.8 7L8 10.2 11.2 7M3 13.5h10";
const PATIENCE = 1500; // milliseconds that the kernel has
const GAP = 2;

export function openSave(view, canvases, name) {
  const { model } = view;
  const element = h("button", { type: "button", class: "cw-button", title: "Save what is shown as a PNG file" }, svg(DOWN), "save");
  let asked = 0; // the last time it was asked for; 0 when it is done
  let number = 0;

  function answer(content, buffers) {
    if (content?.kind !== "file" || content.number !== asked || !asked) return;
    asked = 0;
    const bytes = bytesOf(buffers?.[0]);
    if (bytes.length) hand(new Blob([bytes], { type: "image/png" }));
    else drawn();
  }
  model.on("msg:custom", answer);
  view.signal.addEventListener("abort", () => model.off("msg:custom", answer));

  view.listen(element, "click", () => {
    view.flush();
    const mine = (asked = (number += 1) * 1000 + Math.floor(Math.random() * 1000)); // other views ask, too
    setTimeout(() => {
      if (asked !== mine || view.signal.aborted) return;
      asked = 0;
      drawn();
    }, PATIENCE);
    model.send({ kind: "save", number: mine });
  });

  // As it is in the page.
  function drawn() {
    const selected = canvases()[model.get("selected")];
    const all = selected ? [selected] : canvases();
    if (!all.length) return;
    const columns = Math.ceil(Math.sqrt(all.length));
    const wide = Math.max(...all.map((each) => each.width)) + GAP;
    const tall = Math.max(...all.map((each) => each.height)) + GAP;
    const sheet = h("canvas", { width: columns * wide - GAP, height: Math.ceil(all.length / columns) * tall - GAP });
    const g = sheet.getContext("2d");
    g.fillStyle = "#fff";
    g.fillRect(0, 0, sheet.width, sheet.height);
    all.forEach((each, i) => g.drawImage(each, (i % columns) * wide, Math.floor(i / columns) * tall));
    sheet.toBlob((blob) => blob && hand(blob), "image/png");
  }

  function hand(blob) {
    const url = URL.createObjectURL(blob);
    const link = h("a", { href: url, download: `${name()}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    view.say("saved");
  }
  return element;
}
