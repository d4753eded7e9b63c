/** The office beside the phones: it writes to reps, takes messages back and decides what they ask for, past the faulty network. */
import { Chance } from "./chance";

/** What an office is told before it begins. */
export interface OfficeTold {
  origin: string;
  cookie: string;
  seed: number;
  rep_ids: string[];
  messages: number;
  /** Of the long run. */
  days?: { day: string; begins_ms: number }[];
}

/** What it did, as the server confirmed. */
export interface OfficeWords {
  written: { rep_id: string; text: string; is_withdrawn: boolean }[];
  decided: Record<string, "accepted" | "declined">;
}

interface Sent {
  id: string;
  text: string;
  withdrawn_at: string | null;
}

const ANSWERED_WITHIN_MS = 60_000;

export class Office {
  readonly words: OfficeWords = { written: [], decided: {} };
  private readonly chance: Chance;
  private readonly rests: (turn: number) => Promise<unknown>;

  /** `rests` waits between its turns at work; one answer may take `stillMs`, over all its tries. */
  constructor(private readonly told: OfficeTold, private readonly stillMs: number, rests?: (turn: number) => Promise<unknown>) {
    this.chance = new Chance(told.seed);
    this.rests = rests ?? (() => Bun.sleep(this.chance.whole(30, 250)));
  }

  /** Messages one after the other, with a look at the corrections after each. */
  async work(): Promise<OfficeWords> {
    for (let turn = 0; turn < this.told.messages; turn++) {
      await this.rests(turn);
      await this.write(this.chance.pick(this.told.rep_ids), `task ${this.told.seed}-${turn}`);
      await this.decideAll();
    }
    return this.words;
  }

  private async write(rep_id: string, text: string): Promise<void> {
    const id = await this.until(async () => {
      const known = (await this.sent(rep_id)).find((m) => m.text === text);
      if (known) return known.id;
      const answer = await this.ask("POST", "/api/v1/messages", { kind: "task", text, rep_ids: [rep_id] });
      return ((await answer.json()) as { ids: string[] }).ids[0]!;
    });
    const is_withdrawn = this.chance.happens(0.25) && (await this.withdraw(rep_id, id));
    this.words.written.push({ rep_id, text, is_withdrawn });
  }

  private async sent(rep_id: string): Promise<Sent[]> {
    const { rows } = (await (await this.ask("GET", `/api/v1/messages?rep_id=${rep_id}&limit=100`)).json()) as { rows: Sent[] };
    return rows;
  }

  /** False for one that the rep has done or declined already; unless that came after a try whose answer was lost. */
  private withdraw(rep_id: string, id: string): Promise<boolean> {
    return this.until(async () => {
      if ((await this.ask("DELETE", `/api/v1/messages/${id}`, undefined, [409])).ok) return true;
      return (await this.sent(rep_id)).some((m) => m.id === id && m.withdrawn_at !== null);
    });
  }

  private async decideAll(): Promise<void> {
    const open = await this.until(async () => (await (await this.ask("GET", "/api/v1/corrections")).json()) as { id: string }[]);
    for (const { id } of open) if (this.chance.happens(0.7)) await this.decide(id, this.chance.happens(0.6));
  }

  /** One that was overtaken by another change of the card is declined; one decided before was decided by this. */
  private async decide(id: string, accept: boolean): Promise<void> {
    const code = await this.until(async () => {
      const answer = await this.ask("POST", `/api/v1/corrections/${id}`, { accept, reason: accept ? "" : "not so" }, [409]);
      return answer.ok ? null : ((await answer.json()) as { code: string }).code;
    });
    if (code === "correction_overtaken") return this.decide(id, false);
    this.words.decided[id] ??= accept ? "accepted" : "declined";
  }

  /** Again and again while servers are down. */
  private async until<T>(work: () => Promise<T>): Promise<T> {
    for (const end = performance.now() + this.stillMs; ; await Bun.sleep(100)) {
      try {
        return await work();
      } catch (error) {
        if (performance.now() > end) throw new Error(`the office gets no answer: ${String(error)}`);
      }
    }
  }

  private async ask(method: string, path: string, body?: unknown, taken: number[] = []): Promise<Response> {
    const headers: Record<string, string> = { Cookie: this.told.cookie, ...(body ? { "Content-Type": "application/json" } : {}) };
    const answer = await fetch(this.told.origin + path, { method, headers, body: body ? JSON.stringify(body) : undefined, signal: AbortSignal.timeout(ANSWERED_WITHIN_MS) });
    if (!answer.ok && !taken.includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer;
  }
}
