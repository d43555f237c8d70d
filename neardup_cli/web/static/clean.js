// From accepted groups to a plan, from the plan that was shown to the act, and back.

import { api, preview } from "./api.js";
import { basket } from "./basket.js";
import { $, make, notify, say } from "./dom.js";
import { bytes, count, folderOf, kindName, nameOf, number, sentence, when } from "./words.js";

const PAGE = 50;
const ACTIONS = { trash: "move the copies to the trash", hardlink: "replace copies by hard links", reflink: "replace copies by shared blocks" };

export class Clean {
  constructor(goto, changed) {
    this.goto = goto;
    this.changed = changed;
    this.box = $("clean");
    this.stats = null;
    basket.addEventListener("change", () => {
      const count = basket.accepted.size;
      $("basket").textContent = number(count);
      $("basket").hidden = !count;
    });
  }

  async open() {
    this.plan = null;
    const [certain, batches] = await Promise.all([
      api.groups({ confident: true }, 0, 1).catch(() => ({ total: 0 })),
      api.batches().catch(() => ({ batches: [] })),
    ]);
    const accepted = [...basket.accepted];
    this.box.replaceChildren(
      make("h2", { class: "unseen" }, "Clean up"),
      make(
        "div",
        { class: "choices" },
        this.#choice(
          `${count(accepted.length, "group")} accepted by you`,
          "Every copy in them goes, whatever was done to it. The file to keep stays.",
          accepted.length,
          { groups: accepted },
        ),
        this.#choice(
          `${count(certain.total, "certain group")}`,
          "Same bytes, same pixels, encoded again or resized: such a copy holds nothing that the file to keep lacks.",
          certain.total,
          { confident: true },
        ),
      ),
      make("div", { id: "plan", class: "plan", tabIndex: -1 }),
      this.#history(batches.batches),
    );
  }

  #choice(title, text, total, wanted) {
    const action = make(
      "select",
      { "aria-label": "What to do" },
      ...Object.entries(ACTIONS).map(([value, label]) => make("option", { value }, label)),
    );
    const button = make("button", { class: "main", disabled: !total, onclick: () => this.show({ ...wanted, action: action.value }) }, "Show the plan");
    return make("div", { class: "choice" }, make("b", {}, title), make("p", {}, text), make("div", { class: "line" }, action, button));
  }

  async show(wanted) {
    const box = $("plan");
    box.replaceChildren(make("p", { class: "dim" }, "Planning …"));
    let plan;
    try {
      plan = await api.plan(wanted);
    } catch (error) {
      box.replaceChildren(make("p", { class: "warning" }, error.message));
      return;
    }
    this.plan = plan;
    const apply = make("button", { class: "main", disabled: !plan.summary.acts, onclick: () => this.apply(wanted) }, "Apply this plan");
    const cancel = make("button", { onclick: () => box.replaceChildren() }, "Leave it");
    box.replaceChildren(
      make("p", { class: "total" }, `${count(plan.summary.acts, "file")} in ${count(plan.summary.groups, "group")}: ${plan.action}, ${bytes(plan.summary.frees)} to free`),
      make("p", { class: "dim" }, "Nothing has been done yet. Each file is checked again right before it is touched."),
      make("div", { class: "line" }, apply, cancel),
      make("div", { class: "rows", id: "planned" }),
      make("div", { class: "line", id: "more" }),
    );
    this.#rows(plan.groups, 0);
    box.focus({ preventScroll: true });
    box.scrollIntoView({ block: "start" });
    say(`The plan: ${count(plan.summary.acts, "file")}, ${bytes(plan.summary.frees)} to free. Nothing has been done yet.`);
  }

  #rows(groups, offset) {
    const rows = groups.flatMap((group) => [
      this.#row(group.keep, "kept", "kept", [sentence(group.reason)]),
      ...group.acts.map((act) => this.#row(act, "act", this.plan.action, [kindName(act.kind), ...act.warnings], act.warnings.length)),
      ...group.left.map((left) => this.#row(left, "dim", "not touched", [left.reason])),
    ]);
    $("planned").append(...rows);
    const next = offset + groups.length;
    $("more").replaceChildren();
    if (next < this.plan.summary.groups) {
      const more = async () => this.#rows((await api.planned(this.plan.plan, next, PAGE)).groups, next);
      $("more").append(make("button", { onclick: more }, `Show more (${number(this.plan.summary.groups - next)} groups)`));
    }
  }

  #row(file, style, word, notes, warned = false) {
    const { path } = file;
    return make(
      "div",
      { class: "row" },
      make("img", { src: preview(file), alt: "", loading: "lazy" }),
      make("div", { class: "path" }, nameOf(path), make("small", {}, folderOf(path)), ...notes.map((note) => make("small", { class: warned ? "warning" : "" }, note))),
      make("div", { class: `score ${style}` }, word),
    );
  }

  async apply(wanted) {
    const box = $("plan");
    const plan = this.plan;
    for (const button of box.querySelectorAll("button")) button.disabled = true;
    let outcome;
    try {
      outcome = await api.apply(plan.plan);
    } catch (error) {
      notify(error.message);
      for (const button of box.querySelectorAll("button")) button.disabled = false;
      return;
    }
    if (wanted.groups) basket.empty();
    this.changed();
    await this.open();
    this.#told(outcome, `Done: ${count(outcome.done, "file")}, ${bytes(outcome.size)}.`, outcome.batch);
  }

  async undo(batch) {
    let outcome;
    try {
      outcome = await api.undo(batch);
    } catch (error) {
      notify(error.message);
      return;
    }
    this.changed();
    await this.open();
    this.#told(outcome, `Put back: ${count(outcome.done, "file")}.`, null);
  }

  #told(outcome, text, batch) {
    const refused = outcome.refused.map((one) => make("p", { class: "warning" }, `${one.path}: ${one.reason}`));
    const undo = batch && outcome.done ? make("button", { id: "undobatch", onclick: () => this.undo(batch) }, "Undo") : null;
    $("plan").replaceChildren(make("p", { class: "total", id: "outcome" }, text), ...refused, make("div", { class: "line" }, undo));
    say(text);
  }

  #history(batches) {
    if (!batches.length) return make("div");
    return make(
      "div",
      {},
      make("h2", {}, "Before"),
      make(
        "div",
        { class: "rows" },
        ...batches.map((batch) =>
          make(
            "div",
            { class: "row" },
            make("span", { class: "dim" }, `No. ${batch.batch}`),
            make("div", {}, `${batch.action}: ${count(batch.files.done ?? 0, "file")}, ${bytes(batch.bytes)}`, make("small", {}, `${when(batch.started_at)}, ${batch.state}`)),
            batch.undoable ? make("button", { onclick: () => this.undo(batch.batch) }, "Undo") : make("span"),
          ),
        ),
      ),
    );
  }
}
