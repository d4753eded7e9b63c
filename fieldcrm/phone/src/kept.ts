/** What the rep sees before it is on disk, and since when it is: nothing is called kept before. */
import { batch, signal } from "@preact/signals";
import type { PhoneDb } from "./db";
import type { Draft, Entry } from "./docs";

/** Does something that stores: null when the phone has no room; see `storing`. */
export type Storing = <T>(work: () => Promise<T>) => Promise<T | null>;

const GLANCE_MS = 40;

/** Actions on their way to the disk, shown on top of the outbox. */
export class Early {
  /** Something is shown that a crash would take back. */
  readonly isWriting = signal(false);
  private readonly under = new Set<Entry>();

  /** `show` draws the outbox and what is on its way. */
  constructor(private readonly show: () => void) {}

  get entries(): Entry[] {
    return [...this.under];
  }

  /**
   * Show an action, and `stand` on the screen that it leads to, once `store` has ended: then it is kept. A disk
   * that takes longer than a glance is not waited for, the action is shown as being written until then. One that
   * was refused (null, or thrown) is never shown, or taken back at once.
   */
  async during<T>(entry: Entry, store: () => Promise<T | null>, stand: () => void): Promise<T | null> {
    let stored: T | null | undefined; // as long as nobody knows
    const storing = store().then((done) => (stored = done));
    await Promise.race([storing, new Promise((later) => setTimeout(later, GLANCE_MS))]);
    if (stored === null) return null;
    this.under.add(entry);
    batch(() => {
      this.isWriting.value = stored === undefined;
      this.show();
      stand();
    });
    try {
      return await storing;
    } finally {
      this.under.delete(entry);
      if (!stored) this.show(); // what was stored stays until the outbox is read again
      this.isWriting.value = this.under.size > 0;
    }
  }
}

/** A visit's form as it is typed: each keystroke is written. */
export class DraftKeeper {
  /** When the newest that is on disk was typed; 0: nothing was. */
  readonly keptAt = signal(0);
  /** The newest was not written. */
  readonly isRefused = signal(false);
  private newest: Draft | null = null;

  constructor(private readonly db: PhoneDb, private readonly storing: Storing) {}

  async load(visitId: string): Promise<Draft | undefined> {
    const found = await this.db.drafts.get(visitId);
    this.keptAt.value = found?.saved_at_ms ?? 0;
    this.isRefused.value = false;
    return found;
  }

  async keep(draft: Draft): Promise<void> {
    this.newest = draft;
    const isKept = await this.storing(() => this.db.drafts.put(draft)).then((done) => done !== null, () => false);
    if (isKept) this.keptAt.value = Math.max(this.keptAt.value, draft.saved_at_ms);
    if (this.newest === draft) this.isRefused.value = !isKept;
  }
}
