// Pictures of the camera, one at a time.

import { jpegOf } from "./files.js";

const FRAME_SIDE = 320;

// `onState` gets the video element while the camera runs, else null; `onError` a sentence.
export function openCamera(view, onState, onError) {
  const { model } = view;
  let stream = null;
  let video = null;
  let sent = 0;
  let sentAt = 0;
  let timer = 0;

  async function start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      onError("the camera needs a secure page: open the notebook over https or on localhost");
      return;
    }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } }, audio: false });
    } catch (error) {
      onError(
        error.name === "NotAllowedError"
          ? "the browser may not use the camera: allow it beside the address of this page"
          : error.name === "NotFoundError"
            ? "no camera was found"
            : `the camera could not be started: ${error.message}`,
      );
      return;
    }
    if (view.signal.aborted) return release(); // closed while the question was open
    for (const track of stream.getTracks()) track.addEventListener("ended", stop);
    video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
    onState(video);
    await video.play();
    sent = model.get("frame_seen");
    sendFrame();
  }

  async function sendFrame() {
    if (!video) return;
    const frame = await jpegOf(video, FRAME_SIDE, 0.85);
    if (!video) return;
    sent += 1;
    sentAt = performance.now();
    model.send({ kind: "frame", number: sent }, undefined, [frame]);
  }

  // The next frame only once the last has been dealt with: a slow network gets fewer, never a queue of old ones.
  view.on("frame_seen", () => {
    if (!video || model.get("frame_seen") < sent) return;
    clearTimeout(timer);
    timer = setTimeout(sendFrame, Math.max(0, sentAt + 1000 / model.get("camera_fps") - performance.now()));
  });

  function release() {
    clearTimeout(timer);
    for (const track of stream?.getTracks() ?? []) track.stop();
    const ran = video !== null;
    stream = video = null;
    return ran;
  }

  function stop() {
    if (!release()) return;
    onState(null);
    model.send({ kind: "camera stopped" });
  }

  view.signal.addEventListener("abort", release);
  return { start, stop, running: () => video !== null };
}
