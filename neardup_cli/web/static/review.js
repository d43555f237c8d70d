// One group: compare its members, decide, go on.

import { api, preview } from "./api.js";
import { basket } from "./basket.js";
import { $, breakable, make, notify, say } from "./dom.js";
import { Stage } from "./stage.js";
import { bytes, count, folderOf, kindNames, lost, nameOf, number, readable, saving, sentence, shortFolder, when } from "./words.js";

const DETAIL_ZOOM = 1.6;
const MODES = { 1: "side", 2: "slider", 3: "blink", 4: "difference" };

export class Review {
  constructor(grid, goto) {
    this.grid = grid;
    this.goto = goto;
    this.group = null;
    this.place = -1;
    this.chosen = 1;
    this.stage = new Stage($("stage"), (view) => this.#viewed(view));
    $("accept").addEventListener("click", () => this.accept());
    $("keep").addEventListener("click", () => this.keep());
    $("apart").addEventListener("click", (event) => this.callApart(event.shiftKey));
    $("undo").addEventListener("click", () => this.undo());
    $("next").addEventListener("click", () => this.step(1));
    $("previous").addEventListener("click", () => this.step(-1));
    $("fit").addEventListener("click", () => this.#fit());
    $("outline").addEventListener("click", () => this.#outline());
    $("split").addEventListener("input", (event) => {
      this.stage.split = event.target.value / 100;
      this.stage.redraw();
    });
    for (const button of document.querySelectorAll("[data-mode]")) {
      button.addEventListener("click", () => this.setMode(button.dataset.mode));
    }
    $("film").addEventListener("click", (event) => {
      const frame = event.target.closest(".frame");
      if (frame) this.choose(Number(frame.dataset.index));
    });
    basket.addEventListener("change", () => this.#buttons());
    this.setMode("side");
  }

  async open(id) {
    let group;
    try {
      group = await api.group(id);
    } catch (error) {
      this.goto("#/"); // there is nothing to compare
      notify(sentence(error.message));
      return;
    }
    this.group = group;
    this.gone = new Set();
    this.chosen = 1;
    this.place = await this.grid.placeOf(id, this.place);
    if (this.place >= 0) this.grid.focused = this.place;
    this.#head();
    this.#film();
    this.choose(1, false);
    say(`${count(group.members.length, "file")}, ${kindNames(group.kinds)}, ${saving(group.reclaimable_bytes, group.doubtful_bytes)}`);
    this.#ahead();
  }

  // The groups were computed anew: this one may have another keeper, or another place.
  async renew() {
    const { group } = this;
    if (!group) return;
    const fresh = await api.group(group.id).catch(() => null);
    if (this.group !== group) return;
    this.place = await this.grid.placeOf(group.id, this.place);
    if (!fresh || JSON.stringify(fresh) === JSON.stringify(group)) return this.#head();
    const { path } = this.#copy();
    this.group = fresh;
    this.#head();
    this.#film();
    this.choose(fresh.members.findIndex((member) => member.path === path), false);
  }

  leave() {
    this.stage.leave();
    this.group = null;
  }

  // --- moving

  async step(by) {
    if (this.place < 0) return this.goto("#/");
    const group = await this.grid.at(this.place + by);
    if (group) this.goto(`#/g/${group.id}`);
    else {
      say(by > 0 ? "That was the last group" : "This is the first group");
      if (by > 0) notify("That was the last group.", { action: () => this.goto("#/clean"), label: "Clean up" });
    }
  }

  choose(index, spoken = true) {
    const { members } = this.group;
    this.chosen = Math.min(members.length - 1, Math.max(members.length > 1 ? 1 : 0, index));
    for (const frame of $("film").children) {
      const own = Number(frame.dataset.index) === this.chosen;
      frame.setAttribute("aria-selected", String(own));
      frame.tabIndex = own ? 0 : -1;
      if (own) frame.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    const copy = this.#copy();
    this.#facts();
    this.#buttons();
    this.#load();
    if (spoken) say(`Copy ${this.chosen} of ${members.length - 1}: ${nameOf(copy.path)}`);
  }

  #copy() {
    return this.group.members[this.chosen];
  }

  // The next group's pictures come while this one is looked at.
  async #ahead() {
    const next = await this.grid.at(this.place + 1).catch(() => null);
    for (const member of next?.sample.slice(0, 2) ?? []) new Image().src = preview(member, 1280);
  }

  // --- drawing

  #head() {
    const { group } = this;
    $("place").textContent = this.place < 0 ? "" : `${number(this.place + 1)} of ${number(this.grid.total)}`;
    $("what").replaceChildren(
      make("b", {}, kindNames(group.kinds)),
      ` · ${count(group.members.length, "file")} · ${saving(group.reclaimable_bytes, group.doubtful_bytes)}`,
    );
    $("previous").disabled = this.place <= 0;
    $("next").disabled = this.place < 0;
  }

  #film() {
    $("film").replaceChildren(
      ...this.group.members.map((member, index) => {
        const role = index === 0 ? "keep" : member.kept ? "kept too" : "";
        const frame = make(
          "button",
          {
            class: "frame",
            role: "option",
            title: folderOf(member.path),
            "aria-label": `${index === 0 ? "To keep" : "Copy"}: ${nameOf(member.path)}, ${bytes(member.bytes)}${index === 0 ? "" : `, ${member.role}, ${lost(member)}`}`,
          },
          make("img", { src: preview(member), alt: "", loading: "lazy", decoding: "async" }),
          make("span", {}, role ? make("span", { class: "role" }, `${role} `) : null, nameOf(member.path)),
          index === 0 ? null : make("span", { class: member.losses?.length === 0 ? "loss none" : "loss" }, `${member.role}, ${lost(member)}`),
        );
        frame.dataset.index = index;
        frame.disabled = index === 0 && this.group.members.length > 1;
        return frame;
      }),
    );
  }

  async #load() {
    const { group } = this;
    const [keeper, copy] = [group.members[0], this.#copy()];
    const current = () => this.group === group && this.#copy() === copy;
    this.detailed = false;
    this.stage.reset();
    this.stage.align(null);
    this.#viewed(this.stage.view);
    $("stage").setAttribute("aria-label", `${nameOf(keeper.path)}, to keep, and ${nameOf(copy.path)}`);
    $("why").replaceChildren(make("b", {}, "Why it is a match"), this.#reason(copy));
    api.compare(keeper.path, copy.path).then(
      (found) => {
        if (!current()) return;
        this.stage.align(found.outline);
        if (found.is_duplicate && found.outline.length) {
          const evidence = this.#reason(copy).replace(/^[^:]*: /, "");
          $("why").replaceChildren(make("b", {}, "Why it is a match"), found.sentence, make("small", {}, sentence(evidence)));
        }
      },
      () => {},
    );
    const [a, b] = await Promise.all([picture(preview(keeper, 1280)), picture(preview(copy, 1280))]);
    if (!current()) return;
    if (!a || !b) notify(`${nameOf((a ? copy : keeper).path)} cannot be shown: it is gone, or not what was scanned.`);
    this.stage.show(a, b);
    this.#viewed(this.stage.view);
  }

  #reason(copy) {
    const { group } = this;
    const own = group.matches.filter((match) => match.a === copy.path || match.b === copy.path);
    const direct = own.find((match) => match.a === group.keep || match.b === group.keep);
    const best = direct ?? own[0];
    if (!best) return "It belongs to the group by another member.";
    const other = best.a === copy.path ? best.b : best.a;
    return direct ? best.reason : `With ${nameOf(other)}: ${best.reason}`;
  }

  #facts() {
    const [keeper, copy] = [this.group.members[0], this.#copy()];
    const seen = this.group.seen_in.map(nameOf).join(", ");
    $("whykeep").replaceChildren(
      make("b", {}, "Why that one is kept"),
      sentence(this.group.keep_reason),
      seen ? make("small", { title: this.group.seen_in.map(readable).join("\n") }, `Also seen in ${seen}.`) : "",
    );
    const pixels = (member) => member.width * member.height;
    const rows = [
      ["Name", nameOf(keeper.path), nameOf(copy.path)],
      ["Folder", shortFolder(keeper.path, this.grid.roots), shortFolder(copy.path, this.grid.roots)],
      ["Role", keeper.role, copy.role],
      ["If it goes", "", lost(copy)],
      ["Pixels", `${keeper.width} × ${keeper.height}`, `${copy.width} × ${copy.height}`, pixels(keeper) - pixels(copy), "more"],
      ["Size", bytes(keeper.bytes), bytes(copy.bytes), keeper.bytes - copy.bytes, "larger"],
      ["Format", keeper.format, copy.format],
      ["Taken", when(keeper.captured_at) || "unknown", when(copy.captured_at) || "unknown",
        Number(Boolean(keeper.captured_at)) - Number(Boolean(copy.captured_at)), "known"],
      ["Changed", when(keeper.modified_at), when(copy.modified_at),
        Math.sign(Date.parse(copy.modified_at) - Date.parse(keeper.modified_at)), "earlier"],
    ];
    $("metadata").replaceChildren(
      ...rows.map(([name, a, b, better = 0, word]) => {
        const cell = (text, wins) =>
          make("td", { class: wins ? "better" : "" }, make("span", { class: "clamped", title: text }, ...breakable(text)), wins ? make("small", {}, word) : null);
        return make("tr", { class: a === b ? "" : "differs" }, make("th", { scope: "row" }, name), cell(a, better > 0), cell(b, better < 0));
      }),
    );
  }

  #buttons() {
    const { group } = this;
    if (!group) return;
    const state = basket.stateOf(group.id);
    const label = (button, text, key) => button.replaceChildren(text, make("kbd", { class: "hint" }, key));
    label($("accept"), state === "accepted" ? "Accepted ✓" : "Accept", "A");
    $("accept").setAttribute("aria-pressed", String(state === "accepted"));
    label($("keep"), "Keep this one", "M");
    label($("apart"), "Not a copy", "N");
    label($("undo"), "Undo", "U");
    // The same bytes cannot be told apart, and so not be called different.
    $("apart").disabled = this.#copy().content === group.members[0].content;
    $("undo").disabled = !basket.acts.length;
    $("undo").title = basket.acts.length ? `Take back: ${basket.acts.at(-1).label}` : "";
  }

  #viewed(view) {
    $("zoom").textContent = `${Math.round(view.zoom * 100)} %`;
    if (view.zoom > DETAIL_ZOOM && !this.detailed && this.group) this.#sharpen();
  }

  // Zoomed in, more of the file's own pixels are fetched.
  async #sharpen() {
    this.detailed = true;
    const { group } = this;
    const copy = this.#copy();
    const [a, b] = await Promise.all([picture(preview(group.members[0], 2560)), picture(preview(copy, 2560))]);
    if (a && b && this.group === group && this.#copy() === copy) this.stage.show(a, b);
  }

  setMode(mode) {
    for (const button of document.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    $("sliding").hidden = mode !== "slider";
    this.stage.setMode(mode);
  }

  #fit() {
    this.stage.reset();
    this.#viewed(this.stage.view);
  }

  #outline() {
    this.stage.outlined = !this.stage.outlined;
    $("outline").setAttribute("aria-pressed", String(this.stage.outlined));
    this.stage.redraw();
  }

  // --- deciding

  accept() {
    const { id } = this.group;
    if (basket.stateOf(id) === "accepted") {
      basket.withdraw(id);
      this.grid.refresh(id);
      say("Not accepted any more");
      return;
    }
    basket.accept(id);
    basket.remember({ kind: "accept", label: "accepted a group", id, undo: async () => basket.withdraw(id) });
    this.grid.refresh(id);
    say("Accepted");
    this.step(1);
  }

  async keep() {
    const copy = this.#copy();
    await this.#decide({ ruling: "keep", paths: [copy.path] }, `keep ${nameOf(copy.path)}`);
  }

  async callApart(all) {
    const { group } = this;
    if (!all && $("apart").disabled) return;
    const copy = this.#copy();
    const paths = all ? [] : [copy.path];
    const done = await this.#decide(
      { ruling: "not-duplicates", group: group.id, paths },
      all ? "no copies in this group" : `${nameOf(copy.path)} is no copy`,
    );
    if (!done) return;
    this.gone.add(copy.content);
    const left = group.members.slice(1).filter((member) => !this.gone.has(member.content));
    if (all || !left.length) {
      basket.apart.add(group.id);
      basket.withdraw(group.id);
      this.grid.refresh(group.id);
      this.step(1);
    } else {
      for (const frame of $("film").children) {
        frame.classList.toggle("gone", this.gone.has(group.members[frame.dataset.index].content));
      }
      this.choose(group.members.indexOf(left[0]));
    }
  }

  async #decide(decision, label) {
    const { group } = this;
    let made;
    try {
      made = await api.decide(decision);
    } catch (error) {
      notify(error.message);
      return false;
    }
    const ids = made.decisions.map((one) => one.id);
    basket.remember({
      kind: "decision",
      label,
      id: group.id,
      undo: async () => {
        for (const id of ids) await api.undecide(id);
        basket.apart.delete(group.id);
      },
    });
    say(`Noted: ${label}`);
    notify(`Noted: ${label}.`, { action: () => this.undo(), label: "Undo" });
    return true;
  }

  async undo() {
    let act;
    try {
      act = await basket.undo();
    } catch (error) {
      notify(error.message);
      return;
    }
    if (!act) return;
    say(`Taken back: ${act.label}`);
    notify(`Taken back: ${act.label}.`);
    if (act.kind === "decision") await settled().catch(() => {});
    if (act.id) {
      this.grid.refresh(act.id);
      if (this.group) this.goto(`#/g/${act.id}`);
    }
  }

  // --- keys

  keyed(event) {
    const { key } = event;
    const members = this.group?.members.length ?? 0;
    if (!this.group) return false;
    const pan = 60;
    const acts = {
      j: () => this.step(1), k: () => this.step(-1), ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1),
      ArrowDown: () => this.choose(this.chosen >= members - 1 ? 1 : this.chosen + 1),
      ArrowUp: () => this.choose(this.chosen <= 1 ? members - 1 : this.chosen - 1),
      a: () => this.accept(), m: () => this.keep(), n: () => this.callApart(false), N: () => this.callApart(true),
      o: () => this.#outline(), 0: () => this.#fit(), "+": () => this.stage.zoomBy(1.4), "=": () => this.stage.zoomBy(1.4),
      "-": () => this.stage.zoomBy(1 / 1.4), " ": () => this.stage.flip(),
      "[": () => this.#slide(-5), "]": () => this.#slide(5),
    };
    const panning = { ArrowLeft: [pan, 0], ArrowRight: [-pan, 0], ArrowUp: [0, pan], ArrowDown: [0, -pan] };
    if (event.shiftKey && panning[key]) this.stage.panBy(...panning[key]);
    else if (MODES[key]) this.setMode(MODES[key]);
    else if (acts[key] && !(key === " " && event.target.closest("button"))) acts[key]();
    else return false;
    return true;
  }

  #slide(by) {
    const slider = $("split");
    slider.value = Number(slider.value) + by;
    this.stage.split = slider.value / 100;
    this.stage.redraw();
  }
}

// Wait, for some seconds, until the groups are those after the last decision.
async function settled() {
  for (let tries = 0; tries < 40 && (await api.stats()).updating; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function picture(source) {
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null);
    image.src = source;
  });
}
