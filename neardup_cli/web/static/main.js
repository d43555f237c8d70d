// The page: its views, its keys, and what the server is at.

import { api } from "./api.js";
import { basket } from "./basket.js";
import { Clean } from "./clean.js";
import { $, make, notify, quiet, say, working } from "./dom.js";
import { Grid } from "./grid.js";
import { showKeys } from "./keys.js";
import { Look } from "./look.js";
import { Review } from "./review.js";
import { count, kindName, number, saving } from "./words.js";

const POLL_MS = 1500;
const THEMES = ["system", "light", "dark"];

const goto = (hash) => {
  if (location.hash === hash) route();
  else location.hash = hash;
};

const grid = new Grid((id) => goto(`#/g/${id}`));
const review = new Review(grid, goto);
const look = new Look(goto);
const clean = new Clean(goto, () => watch());

let version = null;
let watching = null;

// --- views

function route() {
  const [, view = "", id] = location.hash.split("/");
  const shown = view === "g" ? "review" : view === "look" || view === "clean" ? view : "groups";
  const before = document.querySelector("main > section:not([hidden])")?.id;
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== shown;
  for (const link of document.querySelectorAll("nav a")) {
    const own = link.dataset.view === (shown === "review" ? "groups" : shown);
    if (own) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (before === "review" && shown !== "review") review.leave();
  if (shown === "review") review.open(id).then(() => before !== "review" && $("stage").focus({ preventScroll: true }));
  else if (shown === "clean") clean.open();
  else if (shown === "groups") {
    grid.draw();
    if (before && before !== "groups") grid.focus();
  } else $("file").focus({ preventScroll: true });
  if (shown !== "groups") scrollTo(0, 0);
  document.title = { review: "A group", look: "Look up", clean: "Clean up" }[shown] ? `${{ review: "A group", look: "Look up", clean: "Clean up" }[shown]} · neardup` : "neardup";
}

// --- what the catalog holds

async function watch() {
  clearTimeout(watching);
  watching = null;
  let stats;
  try {
    stats = await api.stats();
  } catch (error) {
    await unready(error);
    return;
  }
  told(stats);
  if (stats.version !== version) {
    version = stats.version;
    await load();
  }
  if (stats.updating) watching = setTimeout(watch, POLL_MS);
  else if (stats.error) notify(stats.error, { action: watch, label: "Try again", stays: true });
}

// No groups yet: say how far it is, or what is wrong.
async function unready(error) {
  if (error.status === 503) {
    const progress = await api.progress().catch(() => null);
    if (progress?.task) working(progress.task, progress.done, progress.total);
    else notify(error.message, { action: watch, label: "Try again", stays: true });
    watching = setTimeout(watch, POLL_MS);
  } else notify(error.message, { action: watch, label: "Try again", stays: true });
}

function told(stats) {
  if (version === null) quiet();
  $("summary").textContent =
    `${saving(stats.reclaimable_bytes, stats.doubtful_bytes)} · ${count(stats.redundant_files, "copy", "copies")} · ` +
    `${count(stats.groups, "group")} · ${count(stats.files, "picture")}` +
    (stats.updating ? " · updating …" : "");
  grid.roots = stats.roots.map((root) => root.path).sort((a, b) => b.length - a.length);
  $("roots").replaceChildren(...stats.roots.map((root) => make("option", { value: root.path })));
  const select = $("filters").elements.kind;
  const chosen = select.value;
  select.replaceChildren(
    make("option", { value: "" }, "all"),
    ...Object.entries(stats.kinds).map(([kind, groups]) => make("option", { value: kind }, `${kindName(kind)} (${number(groups)})`)),
  );
  select.value = chosen in stats.kinds ? chosen : "";
}

async function load() {
  const form = new FormData($("filters"));
  const filter = Object.fromEntries([...form].filter(([name, value]) => value && !(name === "min_bytes" && value === "0")));
  try {
    await grid.load(filter);
    await review.renew();
    await clean.renew();
  } catch (error) {
    notify(error.message);
    return;
  }
  const filtered = Object.keys(filter).some((name) => name !== "order");
  $("found").textContent = count(grid.total, "group");
  $("empty").hidden = grid.total > 0;
  $("empty").textContent = filtered ? "No group passes these filters." : "No copies: nothing to do here.";
}

// --- scanning

async function scan() {
  try {
    await api.scan();
  } catch (error) {
    notify(error.message);
    return;
  }
  follow();
}

function follow() {
  const events = new EventSource("/api/scan/events");
  events.onmessage = (event) => {
    const { state, progress, result, error } = JSON.parse(event.data);
    if (state === "running") {
      const notice = working(progress.task || "Scanning", progress.done, progress.total);
      notice.append(make("button", { onclick: () => api.stopScan() }, "Stop"));
      return;
    }
    events.close();
    if (state === "done") notify(`Scanned: ${number(result.added)} new, ${number(result.changed)} changed, ${number(result.missing)} missing.`);
    else if (state === "stopped") notify("The scan was stopped; what it read is kept.");
    else if (error) notify(error);
    setTimeout(watch, 1200);
  };
  events.onerror = () => events.close();
}

// --- theme

function theme(next) {
  const root = document.documentElement;
  const current = root.dataset.theme ?? "system";
  const chosen = next ?? THEMES[(THEMES.indexOf(current) + 1) % THEMES.length];
  if (chosen === "system") {
    delete root.dataset.theme;
    localStorage.removeItem("neardup.theme");
  } else {
    root.dataset.theme = chosen;
    localStorage.setItem("neardup.theme", chosen);
  }
  const label = { system: "as the system", light: "light", dark: "dark" }[chosen];
  $("theme").setAttribute("aria-label", `Theme: ${label}`);
  if (!next) say(`Theme: ${label}`);
  review.stage.redraw();
}

// --- keys

function keyed(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const typing = target.matches("input:not([type=range], [type=checkbox], [type=file]), select, textarea");
  if (key === "Escape") {
    if (typing) target.blur();
    else if (location.hash.length > 2) goto("#/");
    return;
  }
  if (typing) return;
  const acts = {
    "?": showKeys, t: () => theme(), g: () => goto("#/"), l: () => goto("#/look"), c: () => goto("#/clean"),
    u: () => review.undo(), "/": () => { goto("#/"); $("filters").elements.folder.focus(); },
  };
  if (!$("review").hidden && review.keyed(event)) event.preventDefault();
  else if (acts[key]) {
    event.preventDefault();
    acts[key]();
  } else if (!$("groups").hidden && ["ArrowDown", "ArrowRight", "j"].includes(key) && target === document.body) {
    event.preventDefault();
    grid.focus();
  }
}

let typed;
$("filters").addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(load, 250);
});
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("scan").addEventListener("click", scan);
$("theme").addEventListener("click", () => theme());
$("help").addEventListener("click", showKeys);
addEventListener("keydown", keyed);
addEventListener("hashchange", route);
basket.addEventListener("change", () => version !== null && !watching && watch());
document.addEventListener("visibilitychange", () => document.hidden || watch());

theme(document.documentElement.dataset.theme ?? "system");
basket.dispatchEvent(new Event("change"));
await watch();
route();
api.scanned().then((scanned) => scanned.state === "running" && follow(), () => {});
