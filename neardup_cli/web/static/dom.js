// Building the page by hand: text is only ever set as text.

export const $ = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list" && !name.startsWith("aria")) element[name] = value; // `list` can be read only
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A name or path as parts that a narrow column may break between.
export const breakable = (text) => text.split(/(?<=[_\-./])/).flatMap((part, at) => (at ? [make("wbr"), part] : [part]));

// Said to a screen reader; what is seen says it too.
export function say(text) {
  const line = make("p", {}, text);
  $("live").append(line);
  while ($("live").childElementCount > 4) $("live").firstElementChild.remove();
}

let hiding;

// A short message over the page, with something to do about it.
export function notify(text, { action, label, stays = false } = {}) {
  clearTimeout(hiding);
  const notice = $("notice");
  notice.replaceChildren(make("span", {}, text));
  if (action) notice.append(make("button", { onclick: action }, label));
  else notice.append(make("button", { class: "quiet", onclick: () => (notice.hidden = true) }, "Close"));
  notice.hidden = false;
  if (!stays) hiding = setTimeout(() => (notice.hidden = true), 8000);
}

export function working(task, done, total) {
  clearTimeout(hiding);
  const notice = $("notice");
  const bar = total ? make("progress", { max: total, value: done, "aria-label": task }) : make("progress", { "aria-label": task });
  const said = total ? `${task}: ${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : `${task} …`;
  notice.replaceChildren(make("span", {}, said), bar);
  notice.hidden = false;
  return notice;
}

export const quiet = () => ($("notice").hidden = true);
