/** What a phone asks and hears: for who watches, and for the words on one that stands still. */
const KEPT = 8;
const WORDS = 240;

interface Asked {
  what: string;
  at: number;
}

export class Talk {
  /** The words of answers are kept too, not their status alone: the phone may be standing still. */
  isClose = false;
  private readonly waits = new Set<Asked>();
  private readonly heard: string[] = [];
  private count = 0;

  constructor(private readonly now: () => number) {}

  /** Pass an answer on, and remember it. */
  async over(what: string, answer: Promise<Response>): Promise<Response> {
    const asked = { what: `${what} #${++this.count}`, at: this.now() };
    this.waits.add(asked);
    try {
      const came = await answer;
      this.keep(asked, `${came.status}${this.isClose ? ` ${await wordsOf(came)}` : ""}`);
      return came;
    } catch (error) {
      this.keep(asked, String(error).slice(0, WORDS));
      throw error;
    } finally {
      this.waits.delete(asked);
    }
  }

  /** The requests that wait for their answer. */
  waiting(): string {
    return [...this.waits].map(({ what, at }) => `${what} (${this.since(at)})`).join(", ") || "nothing";
  }

  /** The answers heard last, the oldest first. */
  last(): string {
    return this.heard.join("; ") || "none";
  }

  since(at: number): string {
    return `${((this.now() - at) / 1000).toFixed(1)} s`;
  }

  private keep({ what, at }: Asked, came: string): void {
    this.heard.push(`${what} -> ${came} (${this.since(at)})`);
    if (this.heard.length > KEPT) this.heard.shift();
  }
}

async function wordsOf(answer: Response): Promise<string> {
  const offset = answer.headers.get("Upload-Offset");
  const said = await answer.clone().text().catch(() => "cut");
  return `${offset === null ? "" : `offset ${offset} `}${said.slice(0, WORDS)}`;
}
