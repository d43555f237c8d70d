// What was decided in this browser: groups accepted for the clean-up, and what can be taken back.

const KEY = "neardup.accepted";

class Basket extends EventTarget {
  constructor() {
    super();
    this.accepted = new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]"));
    this.apart = new Set();
    this.acts = [];
  }

  stateOf(id) {
    if (this.accepted.has(id)) return "accepted";
    return this.apart.has(id) ? "no copies" : "";
  }

  accept(id) {
    this.accepted.add(id);
    this.#changed();
  }

  withdraw(id) {
    this.accepted.delete(id);
    this.#changed();
  }

  empty() {
    this.accepted.clear();
    this.acts = this.acts.filter((act) => act.kind !== "accept");
    this.#changed();
  }

  // Remember an act with the function that takes it back.
  remember(act) {
    this.acts.push(act);
    this.#changed();
  }

  async undo() {
    const act = this.acts.pop();
    if (!act) return null;
    try {
      await act.undo();
    } catch (error) {
      this.acts.push(act);
      throw error;
    } finally {
      this.#changed();
    }
    return act;
  }

  #changed() {
    localStorage.setItem(KEY, JSON.stringify([...this.accepted]));
    this.dispatchEvent(new Event("change"));
  }
}

export const basket = new Basket();
