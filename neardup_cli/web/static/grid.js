// The grid of groups: as tall as all of them, made of the few that can be seen.

import { api, preview } from "./api.js";
import { $, make, say } from "./dom.js";
import { basket } from "./basket.js";
import { bytes, count, kindNames, nameOf, number, saving, shortFolder } from "./words.js";

const PAGE = 60;
const HEIGHT = 232;
const GAP = 12;
const LEAST_WIDTH = 225;
const ROWS_BEYOND = 2;

export class Grid {
  constructor(open) {
    this.open = open;
    this.filter = {};
    this.version = null;
    this.total = 0;
    this.roots = [];
    this.focused = 0;
    this.pages = new Map();
    this.cards = new Map();
    this.box = $("grid");
    this.box.addEventListener("click", (event) => this.#chosen(event));
    this.box.addEventListener("keydown", (event) => this.#keyed(event));
    this.box.addEventListener("focusin", (event) => this.#noted(event));
    addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#soon()).observe(this.box);
  }

  // Begin anew: another filter, or the groups have changed. The place is kept where it can be.
  async load(filter = this.filter) {
    this.filter = filter;
    this.pages.clear();
    this.version = null;
    await this.#page(0);
    this.focused = Math.min(this.focused, Math.max(0, this.total - 1));
    this.#clear();
    this.draw();
  }

  // The group at a place in the list; null beyond its ends.
  async at(place) {
    if (place < 0 || place >= this.total) return null;
    const page = await this.#page(Math.floor(place / PAGE));
    return page?.[place % PAGE] ?? null;
  }

  // Where a group is in the list: looked for near a place, and in what is loaded; -1 if it is in neither.
  async placeOf(id, near = 0) {
    const page = Math.floor(Math.max(0, near) / PAGE);
    for (const number of new Set([page, page - 1, page + 1, ...this.pages.keys()])) {
      if (number < 0 || number * PAGE >= this.total) continue;
      const found = (await this.#page(number))?.findIndex((group) => group.id === id) ?? -1;
      if (found >= 0) return number * PAGE + found;
    }
    return -1;
  }

  refresh(id) {
    for (const [place, card] of this.cards) {
      if (card.dataset.id === id) {
        card.remove();
        this.cards.delete(place);
      }
    }
    this.draw();
  }

  focus() {
    this.#reveal(this.focused);
    this.draw();
    this.cards.get(this.focused)?.focus({ preventScroll: true });
  }

  draw() {
    if (this.box.closest("[hidden]")) return;
    const { columns, width } = this.#shape();
    const rows = Math.ceil(this.total / columns);
    this.box.style.height = `${Math.max(0, rows * (HEIGHT + GAP) - GAP)}px`;
    const top = -this.box.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / (HEIGHT + GAP)) - ROWS_BEYOND);
    const last = Math.ceil((top + innerHeight) / (HEIGHT + GAP)) + ROWS_BEYOND;
    const from = first * columns;
    const to = Math.min(this.total, last * columns);
    for (const [place, card] of this.cards) {
      if ((place < from || place >= to) && card !== document.activeElement) {
        card.remove();
        this.cards.delete(place);
      }
    }
    for (let place = from; place < to; place += 1) {
      const card = this.cards.get(place) ?? this.#card(place);
      const row = Math.floor(place / columns);
      card.style.width = `${width}px`;
      card.style.height = `${HEIGHT}px`;
      card.style.transform = `translate(${(place % columns) * (width + GAP)}px, ${row * (HEIGHT + GAP)}px)`;
      card.tabIndex = place === this.focused ? 0 : -1;
    }
  }

  #shape() {
    const room = this.box.clientWidth;
    const columns = Math.max(room < 380 ? 1 : 2, Math.floor((room + GAP) / (LEAST_WIDTH + GAP)));
    return { columns, width: (room - GAP * (columns - 1)) / columns };
  }

  #soon() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  #clear() {
    for (const card of this.cards.values()) card.remove();
    this.cards.clear();
  }

  #page(number) {
    if (!this.pages.has(number)) this.pages.set(number, this.#fetch(number));
    return this.pages.get(number);
  }

  async #fetch(number) {
    const filter = this.filter;
    const answer = await api.groups(filter, number * PAGE, PAGE);
    if (filter !== this.filter) return null;
    if (this.version !== null && answer.version !== this.version) {
      // Pages of two versions do not fit together.
      queueMicrotask(() => this.load());
      return null;
    }
    this.version = answer.version;
    this.total = answer.total;
    return answer.groups;
  }

  #card(place) {
    const card = make("div", {
      class: "card pending",
      role: "option",
      id: `card-${place}`,
      "aria-setsize": this.total,
      "aria-posinset": place + 1,
      "aria-selected": "false",
    });
    card.dataset.place = place;
    this.cards.set(place, card);
    this.box.append(card);
    this.at(place).then((group) => group && this.cards.get(place) === card && this.#fill(card, group), () => {});
    return card;
  }

  #fill(card, group) {
    const [keep, ...others] = group.sample;
    const shown = others.slice(0, 2);
    const left = group.files - 1 - shown.length;
    const picture = (member) =>
      make("img", { src: preview(member), alt: "", loading: "lazy", decoding: "async", draggable: false });
    const decided = basket.stateOf(group.id);
    card.dataset.id = group.id;
    card.className = decided ? "card done" : "card";
    card.setAttribute("aria-selected", String(decided === "accepted"));
    card.setAttribute(
      "aria-label",
      `${nameOf(group.keep)}, ${count(group.files, "file")}, ${kindNames(group.kinds)}, ` +
        `${saving(group.reclaimable_bytes, group.doubtful_bytes)}${decided ? `, ${decided}` : ""}`,
    );
    card.replaceChildren(
      make(
        "div",
        { class: "mosaic" },
        picture(keep),
        make(
          "div",
          { class: shown.length > 1 ? "more two" : "more" },
          ...shown.map(picture),
          left > 0 ? make("span", { class: "plus" }, `+${number(left)}`) : null,
        ),
      ),
      make(
        "div",
        { class: "legend" },
        make("p", {}, make("b", {}, nameOf(group.keep)), make("span", {}, bytes(group.reclaimable_bytes + group.doubtful_bytes))),
        make(
          "p",
          { class: "dim" },
          make("span", {}, shortFolder(group.keep, this.roots)),
          make(
            "span",
            { class: group.confident ? "" : "doubt" },
            group.kinds.length > 1 ? `${kindNames(group.kinds.slice(0, 1))} +${group.kinds.length - 1}` : kindNames(group.kinds),
          ),
        ),
      ),
    );
    if (decided) card.append(make("span", { class: decided === "accepted" ? "stamp" : "stamp no" }, decided));
  }

  #chosen(event) {
    const card = event.target.closest(".card[data-id]");
    if (card) this.open(card.dataset.id);
  }

  #noted(event) {
    const card = event.target.closest(".card");
    if (card) this.focused = Number(card.dataset.place);
  }

  #keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { columns } = this.#shape();
    const screen = columns * Math.max(1, Math.floor(innerHeight / (HEIGHT + GAP)));
    const steps = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, j: 1, k: -1,
      PageDown: screen, PageUp: -screen, Home: -this.focused, End: this.total - 1 - this.focused,
    };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#chosen(event);
    } else if (event.key in steps && this.total) {
      event.preventDefault();
      event.stopPropagation();
      this.focused = Math.min(this.total - 1, Math.max(0, this.focused + steps[event.key]));
      this.focus();
      if (this.focused === this.total - 1) say("The last group");
    }
  }

  #reveal(place) {
    const { columns } = this.#shape();
    const head = 110;
    const top = this.box.getBoundingClientRect().top + Math.floor(place / columns) * (HEIGHT + GAP);
    if (top < head) scrollBy(0, top - head);
    else if (top + HEIGHT > innerHeight - GAP) scrollBy(0, top + HEIGHT - innerHeight + GAP);
  }
}
