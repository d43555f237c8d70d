// What the keyboard does, and the overlay that says so.

import { $, make } from "./dom.js";

const KEYS = [
  ["Anywhere", [["?", "this help"], ["t", "light, dark, as the system"], ["u", "undo"], ["g", "groups"], ["l", "look a picture up"], ["c", "clean up"], ["/", "folder filter"], ["Esc", "back"]]],
  ["The grid", [["← ↑ ↓ →", "from group to group"], ["Enter", "open the group"], ["Home End", "first, last"]]],
  ["One group: decide", [["a", "accept: its copies may go"], ["n", "this one is not a copy"], ["Shift n", "none of them are copies"], ["m", "keep this one too, whatever happens"], ["j k", "next, previous group; → ← too"], ["↓ ↑", "next, previous copy"]]],
  ["One group: look", [["1 2 3 4", "side by side, slider, blink, difference"], ["+ − 0", "zoom, fit"], ["Shift arrows", "move the picture"], ["[ ]", "move the slider"], ["Space", "flip while blinking"], ["o", "outline of what is shared"]]],
];

export function showKeys() {
  const dialog = $("keys");
  if (dialog.open) {
    dialog.close();
    return;
  }
  dialog.replaceChildren(
    make("h2", { id: "keystitle" }, "Keyboard"),
    ...KEYS.flatMap(([title, keys]) => [
      make("h3", { class: "dim" }, title),
      make("dl", { class: "shortcuts" }, ...keys.map(([key, text]) =>
        make("div", {}, make("dt", {}, ...key.split(" ").flatMap((one, at) => (at ? [" ", make("kbd", {}, one)] : [make("kbd", {}, one)]))), make("dd", {}, text)))),
    ]),
    make("form", { method: "dialog" }, make("button", { autofocus: true }, "Close")),
  );
  dialog.showModal();
}
