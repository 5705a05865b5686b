// The way of all points, and of the part of the plane that holds them, from one map to another.

export function openMotion(view, scene, onStep) {
  let from = null;
  let to = null;
  let start = 0;
  let length = 0;
  let asked = 0;
  view.signal.addEventListener("abort", () => cancelAnimationFrame(asked));

  function go(xy, frame, seconds) {
    cancelAnimationFrame(asked);
    asked = 0;
    const same = scene.xy?.length === xy.length && scene.xy.every((value, i) => value === xy[i]);
    to = { xy, frame };
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!seconds || same || still) return arrive();
    from = { xy: scene.xy, frame: scene.frame }; // also in the middle of another way
    [start, length] = [performance.now(), 1000 * seconds];
    scene.xy = new Float32Array(xy.length);
    step(start);
  }

  function arrive() {
    [scene.xy, scene.frame] = [to.xy, to.frame];
    onStep();
  }

  function step(time) {
    asked = 0;
    const share = (time - start) / length;
    if (share >= 1) return arrive();
    asked = requestAnimationFrame(step);
    const t = Math.max(share, 0);
    const eased = t * t * (3 - 2 * t);
    const { xy } = scene;
    for (let i = 0; i < xy.length; i++) xy[i] = from.xy[i] + (to.xy[i] - from.xy[i]) * eased;
    scene.frame = to.frame.map((value, i) => from.frame[i] + (value - from.frame[i]) * eased);
    return onStep();
  }

  return { go, running: () => asked !== 0 };
}
