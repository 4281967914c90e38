// <unmask-playground lab="generate" model="storyworld-mask" prompt="One day" hide="prompt,settings"></unmask-playground>
//
// A piece of the playground for any article: put this script on the page and the element where the piece should stand.
// Every key of a link to the playground is an attribute. static/examples/README.md describes attributes, methods and events.
"use strict";

{
  const BASE = new URL(".", document.currentScript.src);
  /** Attributes that say how the element behaves; all others go to the page. */
  const OWN = new Set(["start", "height", "label", "note", "id", "class", "style", "slot", "title", "lang", "dir", "hidden"]);
  const isSetting = (name) => !OWN.has(name) && !/^(data-|aria-|on)/.test(name);

  const STYLE = `
    :host { display: block; contain: layout style; }
    iframe, button { display: block; box-sizing: border-box; width: 100%; border: 0; }
    button { position: relative; padding: 1.5rem; border: 1px solid #8886; border-radius: 10px; background: none; color: inherit;
      font: 400 1rem/1.4 system-ui, sans-serif; cursor: pointer; }
    button:hover { border-color: #888; }
    button:focus-visible { outline: 2px solid #3388cc; outline-offset: 3px; }
    svg { display: block; width: min(26rem, 100%); margin: 0 auto 1.4rem; }
    b { display: block; font-weight: 600; }
    small { font-size: 0.85rem; opacity: 0.75; }`;

  /** Words and blocks: what a text looks like halfway. Widths of words; negative ones are blocks, still hidden. */
  const LINES = [[9, -14, 12, -18, 8], [-12, 16, -9, 10, -14], [11, -20, -8, 13]];
  /** The block that is being uncovered: line and place in it. */
  const FRESH = "1 2";
  const POSTER = (() => {
    const rects = LINES.flatMap((line, row) => {
      let x = 0;
      return line.map((width, place) => {
        const [left, wide] = [x, Math.abs(width)];
        x += wide + 2;
        const fill = FRESH === `${row} ${place}` ? 'fill="#e69f00"' : 'fill="currentColor" opacity="0.16"';
        const look = width < 0 ? `y="${row * 9}" height="6" ${fill}` : `y="${row * 9 + 2}" height="2" fill="currentColor" opacity="0.4"`;
        return `<rect x="${left}" width="${wide}" rx="1" ${look}/>`;
      });
    });
    return `<svg viewBox="0 0 70 24" aria-hidden="true">${rects.join("")}</svg>`;
  })();

  class UnmaskPlayground extends HTMLElement {
    #frame = null;
    #waiting = new Map();
    #next = 0;
    #becomeReady = null;
    #ready = new Promise((resolve) => (this.#becomeReady = resolve));
    #receive = (event) => this.#frame && event.source === this.#frame.contentWindow && this.#heed(event.data);
    #visible = new IntersectionObserver(([entry]) => entry.isIntersecting && this.start(), { rootMargin: "200px" });
    #changes = new MutationObserver((changes) => this.#follow(changes.map((change) => change.attributeName)));

    connectedCallback() {
      addEventListener("message", this.#receive);
      this.#changes.observe(this, { attributes: true });
      if (!this.shadowRoot) this.#build();
      // A frame that was moved in the document opens anew.
      if (this.#frame) this.#frame.src = this.#address();
      else if (this.getAttribute("start") !== "click") this.#visible.observe(this);
    }

    #build() {
      this.attachShadow({ mode: "open" }).innerHTML =
        `<style>${STYLE}</style><button type="button">${POSTER}<b></b><small></small></button>`;
      const button = this.shadowRoot.querySelector("button");
      button.style.minHeight = this.#height();
      button.querySelector("b").textContent = this.getAttribute("label") ?? "Run a small language model";
      button.querySelector("small").textContent = this.getAttribute("note") ?? "It runs here, on your own machine.";
      button.addEventListener("click", () => this.start());
    }

    disconnectedCallback() {
      removeEventListener("message", this.#receive);
      this.#visible.disconnect();
      this.#changes.disconnect();
      if (this.#frame) this.#ready = new Promise((resolve) => (this.#becomeReady = resolve));
    }

    /** Opens the playground now, whatever `start` says. */
    start() {
      if (this.#frame) return;
      this.#visible.disconnect();
      const frame = document.createElement("iframe");
      frame.title = this.getAttribute("label") ?? "Unmask, a playground for diffusion language models";
      frame.allow = "clipboard-write";
      frame.style.height = this.#height();
      frame.src = this.#address();
      this.shadowRoot.querySelector("button").replaceWith(frame);
      this.#frame = frame;
    }

    /** Changes settings: any keys of a link. Resolves to the state after it. */
    set(settings) {
      return this.#ask("set", { settings });
    }
    play() {
      return this.#ask("play");
    }
    pause() {
      return this.#ask("pause");
    }
    /** Moves by a number of steps, backwards if negative. */
    step(by = 1) {
      return this.#ask("step", { by });
    }
    state() {
      return this.#ask("state");
    }

    #height() {
      const height = Number(this.getAttribute("height") ?? 480);
      return `${Number.isFinite(height) ? height : 480}px`;
    }

    #address() {
      const address = new URL(BASE);
      address.searchParams.set("embed", "");
      for (const { name, value } of this.attributes) if (isSetting(name)) address.searchParams.set(name, value);
      return address.href;
    }

    /** Attributes that change later change the page, as `set` does; one that is taken away gives way to what a fresh page has. */
    #follow(names) {
      const settings = names.filter(isSetting);
      if (this.#frame && settings.length) this.set(Object.fromEntries(settings.map((name) => [name, this.getAttribute(name)])));
    }

    async #ask(unmask, more = {}) {
      this.start();
      await this.#ready;
      const id = this.#next++;
      const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
      this.#frame.contentWindow.postMessage({ unmask, id, ...more }, BASE.origin);
      return answer;
    }

    #heed(message) {
      switch (message?.unmask) {
        case "height":
          this.#frame.style.height = `${message.height}px`;
          break;
        case "answer":
          this.#waiting.get(message.id)?.(message.state);
          this.#waiting.delete(message.id);
          break;
        case "ready":
          this.#becomeReady();
        // Falls through: the article hears of it too.
        case "step":
        case "finished":
          this.dispatchEvent(new CustomEvent(`unmask-${message.unmask}`, { detail: message.state, bubbles: true }));
      }
    }
  }

  if (!customElements.get("unmask-playground")) customElements.define("unmask-playground", UnmaskPlayground);
}
