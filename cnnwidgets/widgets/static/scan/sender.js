// Sends pictures to the kernel, one a message, and only as fast as they arrive there.

import { uniqueId } from "../shared/dom.js";
import { nameOf, scanBytes } from "./pictures.js";

// So many may be on their way at once: enough to keep the line busy, few enough that a busy kernel gets no heap of them.
const ON_THEIR_WAY = 6;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// `send(files)` resolves once all have been sent, or the kernel wants no more of them, or the view is closed.
// `waiting(on)` is told when the kernel has been silent for a while.
export function openSender(view, waiting) {
  const { model, signal } = view;
  let current = "";

  // Waits until `ready()`; false if the batch has been given up meanwhile.
  async function until(ready, given) {
    const since = performance.now();
    while (!ready()) {
      if (signal.aborted || given()) return false;
      if (performance.now() - since > 1500) waiting(true);
      await pause(20);
    }
    waiting(false);
    return !given();
  }

  async function send(files) {
    const batch = uniqueId("batch");
    current = batch;
    const other = () => current !== batch;
    model.set("error", "");
    model.send({ kind: "batch", batch, count: files.length });
    // the kernel takes the batch, or says why not
    await until(() => model.get("_batch") === batch || model.get("error"), other);
    const unwanted = () => other() || model.get("_batch") !== batch;
    for (let place = 0; place < files.length; place += 1) {
      if (!(await until(() => place - model.get("_arrived") < ON_THEIR_WAY, unwanted))) break;
      const name = nameOf(files[place]);
      let bytes = null;
      let why = "";
      try {
        bytes = await scanBytes(files[place]);
      } catch (error) {
        why = error.message.includes(name) ? error.message : `${name} could not be read: ${error.message}`;
      }
      if (signal.aborted || unwanted()) break;
      if (bytes) model.send({ kind: "picture", batch, place, name }, undefined, [bytes]);
      else model.send({ kind: "no picture", batch, place, why });
    }
    if (signal.aborted && model.get("_batch") === batch) model.send({ kind: "batch ends", batch });
    if (current === batch) current = "";
    waiting(false);
  }

  function stop() {
    current = "";
  }

  return { send, stop, sending: () => current !== "" };
}
