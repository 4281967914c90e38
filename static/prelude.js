// Plays the recorded run from the first moment, before the page's WebAssembly is there. The page removes it when it
// mounts. Where WebAssembly (with SIMD) is missing, this is all there is, and it says so.
"use strict";

{
  const theme = (() => {
    try {
      return localStorage.getItem("unmask.theme");
    } catch {
      return null; // Private windows and sandboxed frames have no store.
    }
  })();
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const query = new URLSearchParams(location.search);
  const root = document.documentElement;
  const wanted = ["light", "dark"].find((name) => name === query.get("theme"));
  root.dataset.theme = wanted ?? theme ?? (dark ? "dark" : "light");
  // Inside an article the page has another layout, and its author may do without some parts; see embed.css.
  root.toggleAttribute("data-embed", query.has("embed"));
  root.dataset.hide = (query.get("hide") ?? "").replaceAll(",", " ");

  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const prelude = () => document.getElementById("prelude");
  /** Says a sentence that stands in index.html, where translators find it. */
  const say = (which) => {
    const status = prelude()?.querySelector(".status");
    status?.querySelector("span").replaceChildren(status.dataset[which]);
  };

  // The smallest module that uses a SIMD instruction.
  const simd = new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
  ]);
  const able = typeof WebAssembly === "object" && WebAssembly.validate(simd);
  const fail = () => say(able ? "failed" : "tooOld");
  addEventListener("error", fail);
  addEventListener("unhandledrejection", fail);
  if (!able) addEventListener("DOMContentLoaded", fail);

  /** One `.slot` element in the state that the style sheet knows. */
  const show = (slot, state, word) => {
    slot.dataset.state = state;
    if (word === "end") slot.dataset.end = "";
    slot.textContent = state === "masked" ? "" : word;
  };

  const play = ({ vocabulary, trajectory }) => {
    const grid = prelude()?.querySelector(".text-grid");
    if (!grid) return;
    const word = (token) => (token === trajectory.special.end_of_text ? "end" : vocabulary[token]);
    const slots = trajectory.start.sequence.slots.map(({ token, state }) => {
      const slot = document.createElement("div");
      slot.className = "slot";
      show(slot, state, word(token));
      return slot;
    });
    grid.replaceChildren(...slots);
    const commit = (index) => {
      slots.forEach((slot) => slot.dataset.state === "fresh" && (slot.dataset.state = "committed"));
      for (const { slot, token } of trajectory.steps[index].commits) show(slots[slot], "fresh", word(token));
    };
    const pause = Math.min(260, Math.max(40, 3600 / trajectory.steps.length));
    const tick = (index) => {
      if (!prelude() || index >= trajectory.steps.length) return;
      commit(index);
      setTimeout(tick, pause, index + 1);
    };
    if (calm) trajectory.steps.forEach((_, index) => commit(index));
    else tick(0);
  };

  fetch("runs/storyworld-mask.json")
    .then((answer) => answer.json())
    .then(play)
    .catch(() => {}); // Without the recording the page loads all the same.
}
