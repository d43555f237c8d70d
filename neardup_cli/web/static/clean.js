// From accepted groups to a plan, from the plan that was shown to the act, and back.

import { api, preview } from "./api.js";
import { basket } from "./basket.js";
import { $, make, notify, say } from "./dom.js";
import { Rules } from "./rules.js";
import { bytes, count, folderOf, kindName, lost, nameOf, number, readable, sentence, when } from "./words.js";

const PAGE = 50;
const POLL_MS = 500;
const ACTIONS = { trash: "move the copies to the trash", hardlink: "replace copies by hard links", reflink: "replace copies by shared blocks" };
const PLANNED = { trash: "to the trash", hardlink: "become hard links", reflink: "share their blocks" };

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

  // With `keep`, what was told last stays: it may be told while this is still being fetched.
  async open(keep = false) {
    if (!keep) this.plan = null;
    let certain;
    let batches;
    let stats;
    let rules;
    try {
      [certain, batches, stats, rules] = await Promise.all([
        api.groups({ confident: true }, 0, 1),
        api.batches(),
        api.stats(),
        api.rules(),
      ]);
    } catch (error) {
      this.box.replaceChildren(make("p", { class: "empty" }, sentence(error.message)));
      return;
    }
    const told = keep ? $("plan") : null;
    const { activeElement } = document;
    const accepted = [...basket.accepted];
    this.rules = new Rules(rules, stats.roots.map((root) => root.path));
    this.box.replaceChildren(
      make("h2", { class: "unseen" }, "Clean up"),
      this.rules.element,
      make(
        "div",
        { class: "choices" },
        this.#choice(
          `${count(accepted.length, "group")} accepted by you`,
          "Of these, the copies with which nothing is lost but what the rules accept. All others stay, and say what they would lose.",
          accepted.length,
          { groups: accepted },
        ),
        this.#choice(
          `All ${count(stats.groups, "group")}`,
          `Every copy with which nothing is lost but what the rules accept. What was not yet compared at full size is compared now. So far ${count(certain.total, "group")} ${certain.total === 1 ? "is" : "are"} certain.`,
          stats.groups,
          { confident: true },
        ),
      ),
      told ?? make("div", { id: "plan", class: "plan", tabIndex: -1 }),
      this.#history(batches.batches),
    );
    if (told?.contains(activeElement)) activeElement.focus({ preventScroll: true });
  }

  // The groups were computed anew: what can be chosen and what was done may be other things now.
  async renew() {
    if (this.box.hidden || this.plan) return;
    await this.open(true);
  }

  #choice(title, text, total, wanted) {
    const action = make(
      "select",
      { "aria-label": "What to do" },
      ...Object.entries(ACTIONS).map(([value, label]) => make("option", { value }, label)),
    );
    const show = () => this.show({ ...wanted, ...this.rules.wanted(), action: action.value }, button);
    const button = make("button", { class: "main", disabled: !total, onclick: show }, "Show the plan");
    return make("div", { class: "choice" }, make("b", {}, title), make("p", {}, text), make("div", { class: "line" }, action, button));
  }

  async show(wanted, asked) {
    const box = $("plan");
    const buttons = [...this.box.querySelectorAll(".choice button")];
    const enabled = buttons.filter((button) => !button.disabled);
    for (const button of enabled) button.disabled = true;
    const watching = this.#watch(box);
    let plan;
    try {
      plan = await api.plan(wanted);
    } catch (error) {
      if (error.status === 404) {
        basket.empty(); // none of them is there any more
        await this.open();
      }
      $("plan")?.replaceChildren(make("p", { class: "warning" }, sentence(error.message)));
      return;
    } finally {
      clearInterval(watching);
      for (const button of enabled) button.disabled = false;
    }
    this.plan = plan;
    const { acts, groups, frees } = plan.summary;
    const leave = () => {
      this.plan = null;
      box.replaceChildren();
      asked.focus();
    };
    const total = `${count(acts, "file")} in ${count(groups, "group")} ${PLANNED[plan.action]}, ${bytes(frees)} to free`;
    box.replaceChildren(
      make("p", { class: "total" }, total),
      make("p", { class: "dim", id: "planning" }, "Nothing has been done yet. Each file is checked again right before it is touched."),
      ...this.#notes(plan, wanted).map((note) => make("p", { class: "warning" }, note)),
      make(
        "div",
        { class: "line" },
        make("button", { class: "main", disabled: !acts, onclick: () => this.apply(wanted) }, "Apply this plan"),
        make("button", { onclick: leave }, "Leave it"),
      ),
      make("div", { class: "rows", id: "planned" }),
      make("div", { class: "line", id: "more" }),
    );
    this.#rows(plan.groups, 0);
    box.focus({ preventScroll: true });
    box.scrollIntoView({ block: "start" });
    say(`The plan: ${total}. Nothing has been done yet.`);
  }

  // To prove that nothing is lost may take long: how far it is, and a way to stop it.
  #watch(box) {
    const told = make("span", {}, "Planning …");
    const bar = make("progress", { "aria-label": "Planning" });
    const stop = make("button", { id: "stopplan", onclick: () => api.stopPlanning().catch(() => {}) }, "Stop");
    box.replaceChildren(make("div", { class: "line working" }, told, bar, stop));
    return setInterval(async () => {
      const { task, done, total } = await api.planning().catch(() => ({}));
      if (!task) return;
      told.textContent = total ? `${task}: ${number(done)} of ${number(total)}` : `${task} …`;
      if (total) Object.assign(bar, { max: total, value: done });
      else bar.removeAttribute("value");
    }, POLL_MS);
  }

  // What of the wish the plan does not fulfil, or has not looked at.
  #notes(plan, wanted) {
    const gone = (wanted.groups?.length ?? 0) - plan.summary.groups - plan.undecided.length;
    return [
      ...(gone > 0 ? [`${count(gone, "accepted group")} are not there any more: the catalog has changed.`] : []),
      ...plan.undecided.map((group) => `Group ${group.id} is left alone: ${sentence(group.reason)}`),
    ];
  }

  #rows(groups, offset) {
    const rows = groups.flatMap((group) => [
      this.#row(group.keep, "kept", "kept", [sentence(group.reason)]),
      ...group.acts.map((act) => this.#row(act, "act", this.plan.action, [`${kindName(act.kind)}, ${lost(act)}`, ...act.warnings], act.losses.length)),
      ...group.left.map((left) => this.#row(left, "dim", "not touched", why(left))),
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
      { class: style === "kept" ? "row first" : "row" },
      make("img", { src: preview(file), alt: "", loading: "lazy" }),
      make("div", { class: "path" }, nameOf(path), make("small", {}, folderOf(path)), ...notes.map((note) => make("small", { class: warned ? "warning" : "" }, note))),
      make("div", { class: `score ${style}` }, word),
    );
  }

  async apply(wanted) {
    const box = $("plan");
    const plan = this.plan;
    for (const button of box.querySelectorAll("button")) button.disabled = true;
    const before = $("planning").textContent;
    $("planning").textContent = "At work …";
    let outcome;
    try {
      outcome = await api.apply(plan.plan);
    } catch (error) {
      notify(error.message);
      $("planning").textContent = before;
      for (const button of box.querySelectorAll("button")) button.disabled = false;
      return;
    }
    if (wanted.groups) basket.empty();
    this.changed();
    await this.open();
    this.#told(outcome, `Done: ${count(outcome.done, "file")}, ${bytes(outcome.bytes)}.`, outcome.batch);
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
    const refused = outcome.refused.map((one) => make("p", { class: "warning" }, `${readable(one.path)}: ${one.reason}`));
    const undo = batch && outcome.done ? make("button", { id: "undobatch", onclick: () => this.undo(batch) }, "Undo") : null;
    $("plan").replaceChildren(make("p", { class: "total", id: "outcome" }, text), ...refused, make("div", { class: "line" }, undo));
    $("plan").focus({ preventScroll: true });
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
            make("div", {}, what(batch), make("small", {}, `${when(batch.started_at)}, ${batch.state}`)),
            batch.undoable ? make("button", { class: "score", onclick: () => this.undo(batch.batch) }, "Undo") : null,
          ),
        ),
      ),
    );
  }
}

// Why a file is left alone, and what would be lost with it where the reason does not say so.
function why(left) {
  const reason = left.reason.replace(/(: see)? \(?--[a-z-]+\)?$/, ""); // what the command line has options for, this page has rules for
  return left.losses?.length && reason !== lost(left) ? [reason, lost(left)] : [reason];
}

function what({ action, files, bytes: size }) {
  const all = Object.values(files).reduce((sum, some) => sum + some, 0);
  return `${action}: ${count(all, "file")}${size ? `, ${bytes(size)}` : ""}`;
}
