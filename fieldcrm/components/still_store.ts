// A row that moves under the pointer makes a drop miss. So from a lift to its end, parts of the page
// go on showing what they showed, and then take in at once what came meanwhile. They still hear of it:
// only what they read of the page's state stands still.
export type Store = {
  getSnapshot: (name: string) => unknown; // a part of the page's state by its name; a new object when it changed
  subscribe: (name: string, changed: () => void) => () => void;
};

export class StillStore implements Store {
  #kept: Map<string, unknown> | null = null; // what was shown at the lift; null while nothing is held
  #readers = new Map<string, Set<() => void>>();

  constructor(private readonly live: Store) {}

  getSnapshot = (name: string): unknown => {
    if (!this.#kept) return this.live.getSnapshot(name);
    if (!this.#kept.has(name)) this.#kept.set(name, this.live.getSnapshot(name));
    return this.#kept.get(name);
  };

  subscribe = (name: string, changed: () => void): (() => void) => {
    const readers = this.#readers.get(name) ?? new Set();
    this.#readers.set(name, readers.add(changed));
    const leave = this.live.subscribe(name, changed);
    return () => { readers.delete(changed); leave(); };
  };

  hold(): void {
    this.#kept ??= new Map([...this.#readers.keys()].map((name) => [name, this.live.getSnapshot(name)]));
  }

  release(): void {
    if (!this.#kept) return;
    this.#kept = null;
    for (const readers of this.#readers.values()) for (const changed of [...readers]) changed();
  }
}

const stores = new Set<StillStore>();
let isHeld = false;

/** Lets a part of the page be held; returns how it leaves. One that comes while all is held is held too. */
export function join(store: StillStore): () => void {
  stores.add(store);
  if (isHeld) store.hold();
  return () => { stores.delete(store); };
}

export function hold(): void {
  isHeld = true;
  for (const store of stores) store.hold();
}

export function release(): void {
  isHeld = false;
  for (const store of stores) store.release();
}
