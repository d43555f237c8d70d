// Two pictures on one canvas: side by side, or the second laid on the first, under one zoom and pan.
//
// A view is a point of the first picture (as shares of its sides) and a zoom; 1 fits the whole picture.
// Where the service found how the first lies in the second, that map carries the view over.

import { IDENTITY, SQUARE, affine, at, clipped, corners, determinant, invert } from "./maps.js";

const LARGEST_ZOOM = 24;
const BLINK_MS = 650;
const AMPLIFIED = 2; // doublings of a difference
const WHOLE = 0.012; // how far corners may be apart where both pictures show all of each other

export class Stage {
  constructor(canvas, onView) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.onView = onView;
    this.mode = "side";
    this.split = 0.5;
    this.outlined = true;
    this.flipped = false;
    this.pictures = [null, null];
    this.map = null;
    this.pointers = new Map();
    this.reset();
    new ResizeObserver(() => this.redraw()).observe(canvas);
    canvas.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#pressed(event));
    canvas.addEventListener("pointermove", (event) => this.#moved(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
    canvas.addEventListener("dblclick", (event) => this.zoomBy(this.view.zoom > 1 ? 1 / this.view.zoom : 3, event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  show(a, b) {
    this.pictures = [a, b];
    this.redraw();
  }

  // The corners of the first picture where they lie in the second, or nothing.
  align(outline) {
    this.map = outline?.length === 4 ? affine(outline) : null;
    // A map that is the identity but for what the estimate is worth would only blur the comparison.
    this.whole = this.map !== null && outline.every(([x, y], index) => Math.hypot(x - SQUARE[index][0], y - SQUARE[index][1]) < WHOLE);
    if (this.whole) this.map = IDENTITY;
    this.redraw();
  }

  setMode(mode) {
    this.mode = mode;
    this.flipped = false;
    clearInterval(this.blinking);
    if (mode === "blink" && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.blinking = setInterval(() => this.flip(), BLINK_MS);
    }
    this.redraw();
  }

  flip() {
    this.flipped = !this.flipped;
    this.redraw();
  }

  reset() {
    this.view = { x: 0.5, y: 0.5, zoom: 1 };
    this.redraw();
  }

  leave() {
    clearInterval(this.blinking);
  }

  panBy(dx, dy) {
    const scale = this.#layout()?.scale;
    const [a] = this.pictures;
    if (!scale || !a) return;
    this.#look(this.view.x - dx / (a.naturalWidth * scale), this.view.y - dy / (a.naturalHeight * scale), this.view.zoom);
  }

  zoomBy(factor, event) {
    const { x, y, zoom } = this.view;
    const next = Math.min(LARGEST_ZOOM, Math.max(1, zoom * factor));
    const under = event && this.#under(event);
    if (!under || next === 1) this.#look(next === 1 ? 0.5 : x, next === 1 ? 0.5 : y, next);
    else this.#look(under.x + ((x - under.x) * zoom) / next, under.y + ((y - under.y) * zoom) / next, next);
  }

  redraw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#draw());
  }

  #look(x, y, zoom) {
    const clamp = (value) => Math.min(1, Math.max(0, value));
    this.view = { x: clamp(x), y: clamp(y), zoom };
    this.onView(this.view);
    this.redraw();
  }

  // Where the panes are, in device pixels, and how large a pixel of the first picture is in CSS pixels.
  #layout() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const [a] = this.pictures;
    if (!a || !width) return null;
    const gap = 8;
    const beside = this.mode === "side";
    const fit = (picture, pane) => Math.min(pane[2] / picture.naturalWidth, pane[3] / picture.naturalHeight);
    // Beside or below each other, whichever shows both pictures larger.
    const seen = (pane) => this.pictures.reduce((sum, one) => sum + (one ? fit(one, pane) ** 2 * one.naturalWidth * one.naturalHeight : 0), 0);
    const wide = seen([0, 0, (width - gap) / 2, height]) >= seen([0, 0, width, (height - gap) / 2]);
    const first = !beside ? [0, 0, width, height] : wide ? [0, 0, (width - gap) / 2, height] : [0, 0, width, (height - gap) / 2];
    const second = wide ? [(width + gap) / 2, 0, first[2], height] : [0, (height + gap) / 2, width, first[3]];
    return { first, second, fit, scale: fit(a, first) * this.view.zoom };
  }

  #draw() {
    const { canvas, pen } = this;
    const dense = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * dense));
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    const layout = this.#layout();
    if (!layout) return;
    const [a, b] = this.pictures;
    const base = new DOMMatrix().scale(dense);
    pen.imageSmoothingQuality = "high";
    const onA = base.multiply(this.#matrixA(layout, a));
    if (this.mode === "side") {
      this.#pane(base, layout.first, () => this.#picture(a, onA));
      this.#label(base, layout.first, "keep");
      if (!b) return;
      const onB = base.multiply(this.#matrixB(layout, a, b));
      this.#pane(base, layout.second, () => this.#picture(b, onB));
      if (this.outlined && this.map && !this.whole) {
        const inner = this.map;
        this.#pane(base, layout.second, () => this.#polygon(corners(inner), b, onB));
        this.#pane(base, layout.first, () => this.#polygon(corners(invert(inner)), a, onA));
      }
      this.#label(base, layout.second, "copy");
      return;
    }
    if (!b) {
      this.#picture(a, onA);
      return;
    }
    const bOnA = onA.multiply(this.#bToA(a, b));
    if (this.mode === "blink") this.#picture(this.flipped ? b : a, this.flipped ? bOnA : onA);
    else if (this.mode === "difference") this.#difference(a, onA, b, bOnA);
    else this.#slider(base, layout, a, onA, b, bOnA);
    if (this.outlined && this.map && !this.whole && this.mode !== "difference") this.#polygon(corners(invert(this.map)), a, onA);
    const label = { blink: this.flipped ? "copy" : "keep", slider: "keep", difference: "difference: black where they agree" }[this.mode];
    this.#label(base, layout.first, label);
    if (this.mode === "slider") this.#label(base, layout.first, "copy", true);
  }

  #matrixA({ first, scale }, a) {
    const { x, y } = this.view;
    return new DOMMatrix([scale, 0, 0, scale, first[0] + first[2] / 2 - x * a.naturalWidth * scale, first[1] + first[3] / 2 - y * a.naturalHeight * scale]);
  }

  // At rest the second picture is seen whole; zoomed in, what lies in the middle is what the first shows.
  #matrixB({ second, fit, scale }, a, b) {
    const { x, y, zoom } = this.view;
    const blend = Math.min(1, zoom - 1);
    const map = this.map ?? IDENTITY;
    const [px, py] = at(map, x, y);
    const grown = Math.sqrt(Math.abs(determinant(map)) * ((b.naturalWidth * b.naturalHeight) / (a.naturalWidth * a.naturalHeight)));
    const own = fit(b, second) * zoom;
    const size = own ** (1 - blend) * (scale / grown) ** blend;
    const cx = 0.5 + (px - 0.5) * blend;
    const cy = 0.5 + (py - 0.5) * blend;
    return new DOMMatrix([size, 0, 0, size, second[0] + second[2] / 2 - cx * b.naturalWidth * size, second[1] + second[3] / 2 - cy * b.naturalHeight * size]);
  }

  // From pixels of the second picture to pixels of the first.
  #bToA(a, b) {
    const [m11, m12, m21, m22, dx, dy] = invert(this.map ?? IDENTITY);
    const { naturalWidth: aw, naturalHeight: ah } = a;
    const { naturalWidth: bw, naturalHeight: bh } = b;
    return new DOMMatrix([(m11 * aw) / bw, (m12 * ah) / bw, (m21 * aw) / bh, (m22 * ah) / bh, dx * aw, dy * ah]);
  }

  #pane(base, [x, y, width, height], paint) {
    this.pen.save();
    this.pen.setTransform(base);
    this.pen.beginPath();
    this.pen.rect(x, y, width, height);
    this.pen.clip();
    paint();
    this.pen.restore();
  }

  #picture(picture, matrix) {
    this.pen.setTransform(matrix);
    this.pen.drawImage(picture, 0, 0);
  }

  #slider(base, layout, a, onA, b, bOnA) {
    const [, , width, height] = layout.first;
    const at = width * this.split;
    this.#pane(base, [0, 0, at, height], () => this.#picture(a, onA));
    this.#pane(base, [at, 0, width - at, height], () => this.#picture(b, bOnA));
    this.pen.setTransform(base);
    this.pen.fillStyle = "#fff";
    this.pen.fillRect(at - 1, 0, 2, height);
    this.pen.fillStyle = "rgb(0 0 0 / 45%)";
    this.pen.fillRect(at - 2, 0, 1, height);
    this.pen.fillRect(at + 1, 0, 1, height);
  }

  #difference(a, onA, b, bOnA) {
    const { pen, canvas } = this;
    const overlap = new Path2D();
    for (const [index, [u, v]] of corners(IDENTITY).entries()) {
      const point = bOnA.transformPoint({ x: u * b.naturalWidth, y: v * b.naturalHeight });
      if (index) overlap.lineTo(point.x, point.y);
      else overlap.moveTo(point.x, point.y);
    }
    pen.save();
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clip(overlap);
    this.#picture(a, onA);
    pen.setTransform(onA);
    pen.beginPath();
    pen.rect(0, 0, a.naturalWidth, a.naturalHeight);
    pen.clip();
    pen.globalCompositeOperation = "difference";
    this.#picture(b, bOnA);
    pen.globalCompositeOperation = "lighter";
    pen.setTransform(1, 0, 0, 1, 0, 0);
    for (let doubling = 0; doubling < AMPLIFIED; doubling += 1) pen.drawImage(canvas, 0, 0);
    pen.restore();
  }

  #polygon(points, picture, matrix) {
    const { pen } = this;
    const outline = new Path2D();
    for (const [index, [u, v]] of clipped(points).entries()) {
      const point = matrix.transformPoint({ x: u * picture.naturalWidth, y: v * picture.naturalHeight });
      if (index) outline.lineTo(point.x, point.y);
      else outline.moveTo(point.x, point.y);
    }
    outline.closePath();
    pen.setTransform(1, 0, 0, 1, 0, 0);
    const dense = devicePixelRatio || 1;
    for (const [colour, width] of [["rgb(0 0 0 / 55%)", 4], ["#ffb02e", 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width * dense;
      pen.stroke(outline);
    }
  }

  // Which picture it is, in a corner of its pane; for those who see. The canvas has a label of its own.
  #label(base, [x, y, width], text, right = false) {
    const { pen } = this;
    pen.setTransform(base);
    pen.font = `600 12px ${getComputedStyle(this.canvas).fontFamily}`;
    const room = pen.measureText(text).width + 14;
    const left = right ? x + width - room - 8 : x + 8;
    pen.fillStyle = "rgb(0 0 0 / 66%)";
    pen.beginPath();
    pen.roundRect(left, y + 8, room, 21, 10);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.textBaseline = "middle";
    pen.fillText(text, left + 7, y + 19);
  }

  #under(event) {
    const layout = this.#layout();
    const [a] = this.pictures;
    if (!layout || !a) return null;
    const box = this.canvas.getBoundingClientRect();
    let [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { first, second, scale } = layout;
    if (this.mode === "side" && (x >= second[0] && y >= second[1]) && (second[0] || second[1])) {
      x -= second[0] - first[0];
      y -= second[1] - first[1];
    }
    return {
      x: this.view.x + (x - first[0] - first[2] / 2) / (a.naturalWidth * scale),
      y: this.view.y + (y - first[1] - first[3] / 2) / (a.naturalHeight * scale),
    };
  }

  #wheeled(event) {
    event.preventDefault();
    this.zoomBy(Math.exp(-event.deltaY / 400), event);
  }

  #pressed(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
  }

  #moved(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const others = [...this.pointers.values()].filter((one) => one.pointerId !== event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (others.length) {
      const apart = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY);
      this.zoomBy(apart(event) / Math.max(1, apart(before)), event);
    } else this.panBy(event.clientX - before.clientX, event.clientY - before.clientY);
  }
}
