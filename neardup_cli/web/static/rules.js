// By which rules a plan is made: what may be lost, which file stays. Filled from the server, changed here.

import { make } from "./dom.js";
import { count, kindName, readable } from "./words.js";

const WIDE = matchMedia("(min-width: 861px)");

// What a person has changed is kept while the page is open; all else is as the server has it.
const said = {};

export class Rules {
  constructor(known, roots) {
    this.known = known;
    this.now = { ...known.usual, ...said };
    this.summary = make("summary", {});
    this.element = make(
      "details",
      { class: "rules", id: "rules", open: WIDE.matches },
      this.summary,
      make("div", { class: "ruled" }, this.#losses(), make("div", {}, this.#staying(roots), this.#kinds())),
    );
    this.#tell();
  }

  // What a request for a plan says of the rules: all of them, as they are shown.
  wanted() {
    const { keep, prefer, protect, only, accept, across_drives } = this.now;
    return { keep, prefer, protect, only, accept, across_drives };
  }

  #set(name, value) {
    this.now[name] = said[name] = value;
    this.#tell();
  }

  #tell() {
    const { accept, prefer, protect, across_drives } = this.now;
    const parts = [accept.length ? `may lose ${accept.join(", ")}` : "nothing may be lost"];
    if (prefer.length) parts.push(`${count(prefer.length, "folder")} preferred`);
    if (protect.length) parts.push(`${count(protect.length, "folder")} protected`);
    if (across_drives) parts.push("backups on other drives, too");
    this.summary.replaceChildren(make("b", {}, "Rules"), ` ${parts.join(" · ")}`);
  }

  #losses() {
    const boxes = this.known.losses.map(({ word, means, kinds }) => {
      const box = make("input", { type: "checkbox", name: "accept", value: word, checked: this.now.accept.includes(word) });
      box.addEventListener("change", () => {
        const accepted = this.known.losses.map((loss) => loss.word).filter((one) => (one === word ? box.checked : this.now.accept.includes(one)));
        this.#set("accept", accepted);
        if (box.checked) this.#mean(kinds);
      });
      return make("label", { class: "check", title: means }, box, make("span", {}, word, make("small", {}, means)));
    });
    return make(
      "fieldset",
      {},
      make("legend", {}, "What may be lost with a copy"),
      make("p", { class: "dim" }, "A copy goes if nothing is lost with it but what is ticked here."),
      make("div", { class: "losses" }, ...boxes),
    );
  }

  // Who accepts a loss means the kinds of copies that have it.
  #mean(kinds) {
    this.#set("only", [...new Set([...this.now.only, ...kinds])]);
    for (const box of this.element.querySelectorAll("input[name=only]")) box.checked = this.now.only.includes(box.value);
  }

  #kinds() {
    const boxes = this.known.kinds.map(({ word, means }) => {
      const box = make("input", { type: "checkbox", name: "only", value: word, checked: this.now.only.includes(word) });
      box.addEventListener("change", () => this.#set("only", this.now.only.filter((one) => one !== word).concat(box.checked ? [word] : [])));
      return make("label", { class: "check", title: means }, box, make("span", {}, kindName(word)));
    });
    return make("fieldset", {}, make("legend", {}, "Which copies are meant"), make("div", { class: "kinds" }, ...boxes));
  }

  #staying(roots) {
    const listed = make("datalist", { id: "ruleroots" }, ...roots.map((root) => make("option", { value: root })));
    const across = make("input", { type: "checkbox", name: "across_drives", checked: this.now.across_drives });
    across.addEventListener("change", () => this.#set("across_drives", across.checked));
    return make(
      "fieldset",
      {},
      make("legend", {}, "Which file stays"),
      make("p", { class: "dim" }, "A file in a preferred folder, or else the one that loses least against the others."),
      this.#folders("prefer", "Keep files below these folders", "the first foremost"),
      this.#folders("protect", "Never touch files below these folders", ""),
      this.#keys(),
      make("label", { class: "check" }, across, make("span", {}, "copies on other drives may go", make("small", {}, "they are backups, as a rule"))),
      listed,
    );
  }

  // A field a folder, and an empty one for the next.
  #folders(name, title, hint) {
    const fields = make("div", { class: "folders" });
    const field = (value) =>
      make("input", { type: "search", name, value, list: "ruleroots", "aria-label": title, placeholder: "/", autocomplete: "off", spellcheck: false, oninput: typed });
    const typed = () => {
      const inputs = [...fields.children];
      if (inputs.at(-1).value) fields.append(field(""));
      this.#set(name, inputs.map((input) => input.value.trim()).filter(Boolean));
    };
    fields.append(...[...this.now[name], ""].map((path) => field(path && readable(path))));
    return make("div", { class: "field" }, make("span", {}, title, hint ? make("small", {}, hint) : null), fields);
  }

  #keys() {
    const [first] = this.now.keep;
    const select = make(
      "select",
      { name: "keep", "aria-label": "Between equals, keep first by" },
      ...this.known.keep.map((key) => make("option", { value: key, selected: key === first }, key)),
    );
    select.addEventListener("change", () => {
      const usual = this.known.usual.keep;
      this.#set("keep", select.value === usual[0] ? usual : [select.value, ...usual.filter((key) => key !== select.value)]);
    });
    return make("label", { class: "field" }, make("span", {}, "Of equals, keep first by"), select);
  }
}
