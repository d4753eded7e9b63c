/**
 * The small language of a form's conditions; `fieldcrm/forms/expressions.py` is its twin.
 * Grammar and meaning are in docs/forms.md; tests/forms/cases.json is run on both. Pure.
 */
export type Value = unknown;
export type Known = Readonly<Record<string, Value>>;

interface Node {
  does: string;
  parts: Node[];
  value?: Value;
}
type Token = [kind: "number" | "text" | "word" | "sign" | "end", text: string];

export class BadExpression extends Error {}

const MOST_DEPTH = 30;
const LARGEST = 1e15;
const WORDS = new Set(["and", "or", "not", "has", "true", "false", "nothing"]);
const CONSTANTS = new Map<string, Value>([["true", true], ["false", false], ["nothing", null]]);
const TOKEN = /[ \t\n]*(?:(\d{1,15}(?:\.\d{1,9})?)|('[^']*'|"[^"]*")|([a-z][a-z0-9_]*)|(<=|>=|!=|[=<>()+\-*/]))/y;
const KINDS = ["number", "text", "word", "sign"] as const;

// ── reading ──

const parsed = new Map<string, Node>();

/** The expression as a tree. Throws BadExpression. */
export function parse(text: string): Node {
  let found = parsed.get(text);
  if (!found) parsed.set(text, (found = new Reader(tokens(text)).whole()));
  return found;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  const end = text.replace(/[ \t\n]+$/, "").length;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw new BadExpression(text.slice(at, at + 20));
    const which = KINDS.findIndex((_, i) => match[i + 1] !== undefined);
    found.push([KINDS[which]!, match[which + 1]!]);
  }
  return [...found, ["end", ""]];
}

/** Reads tokens from left to right, one method for each line of the grammar. */
class Reader {
  private at = 0;
  private depth = 0;
  constructor(private readonly tokens: Token[]) {}

  whole(): Node {
    const found = this.anyOf();
    if (this.tokens[this.at]![0] !== "end") throw new BadExpression(this.tokens[this.at]![1]);
    return found;
  }

  private take(...wanted: string[]): string | null {
    const [kind, text] = this.tokens[this.at]!;
    if ((kind !== "word" && kind !== "sign") || !wanted.includes(text)) return null;
    this.at++;
    return text;
  }

  private anyOf(): Node {
    let found = this.allOf();
    while (this.take("or")) found = node("or", found, this.allOf());
    return found;
  }

  private allOf(): Node {
    let found = this.negated();
    while (this.take("and")) found = node("and", found, this.negated());
    return found;
  }

  private negated(): Node {
    this.deeper();
    const found = this.take("not") ? node("not", this.negated()) : this.compared();
    this.depth--;
    return found;
  }

  private deeper(): void {
    if (++this.depth > MOST_DEPTH) throw new BadExpression("too deep");
  }

  private compared(): Node {
    const left = this.summed();
    const sign = this.take("=", "!=", "<", "<=", ">", ">=", "has");
    return sign === null ? left : node(sign, left, this.summed());
  }

  private summed(): Node {
    let found = this.scaled();
    for (let sign = this.take("+", "-"); sign; sign = this.take("+", "-")) found = node(sign, found, this.scaled());
    return found;
  }

  private scaled(): Node {
    let found = this.single();
    for (let sign = this.take("*", "/"); sign; sign = this.take("*", "/")) found = node(sign, found, this.single());
    return found;
  }

  private single(): Node {
    if (this.take("(")) return this.closed(this.anyOf());
    if (this.take("-")) {
      this.deeper();
      const negative = node("-", constant(0), this.single());
      this.depth--;
      return negative;
    }
    const [kind, text] = this.tokens[this.at]!;
    if (kind !== "end") this.at++;
    if (kind === "number") return constant(Number(text));
    if (kind === "text") return constant(text.slice(1, -1));
    if (kind === "word" && (!WORDS.has(text) || CONSTANTS.has(text))) return this.named(text);
    throw new BadExpression(text || "end");
  }

  private named(word: string): Node {
    if (CONSTANTS.has(word)) return constant(CONSTANTS.get(word));
    if (!this.take("(")) return { does: "name", parts: [], value: word };
    if (!FUNCTIONS.has(word)) throw new BadExpression(word);
    return { does: "call", parts: [this.closed(this.anyOf())], value: word };
  }

  private closed(inside: Node): Node {
    if (!this.take(")")) throw new BadExpression(this.tokens[this.at]![1] || "end");
    return inside;
  }
}

function node(does: string, ...parts: Node[]): Node {
  return { does, parts };
}

function constant(value: Value): Node {
  return { does: "value", parts: [], value };
}

// ── meaning ──

/** Whether an expression is true of what is known. */
export function holds(text: string, known: Known): boolean {
  return isTrue(evaluate(parse(text), known));
}

/** An expression's value; what has none is null (`nothing`). */
export function evaluate(n: Node, known: Known): Value {
  if (n.does === "value") return n.value;
  if (n.does === "name") return Object.hasOwn(known, n.value as string) ? (known[n.value as string] ?? null) : null;
  const left = evaluate(n.parts[0]!, known);
  if (n.does === "call") return FUNCTIONS.get(n.value as string)!(left);
  if (n.does === "not") return !isTrue(left);
  if (n.does === "and") return isTrue(left) && isTrue(evaluate(n.parts[1]!, known));
  if (n.does === "or") return isTrue(left) || isTrue(evaluate(n.parts[1]!, known));
  return OPERATORS[n.does]!(left, evaluate(n.parts[1]!, known));
}

export function isRecord(value: Value): value is Record<string, Value> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEmpty(value: Value): boolean {
  return (Array.isArray(value) && value.length === 0) || (isRecord(value) && Object.keys(value).length === 0);
}

/** Nothing, false, 0 and whatever is empty are not true. */
export function isTrue(value: Value): boolean {
  return Boolean(value) && !isEmpty(value);
}

/** Whether a field was left without an answer. */
export function isBlank(value: Value): boolean {
  if (typeof value === "string") return /^[ \t\n\r\u00a0]*$/.test(value);
  return value === null || value === undefined || isEmpty(value);
}

/** The value as a number; null for anything else. */
export function number(value: Value): number | null {
  return typeof value === "number" && Math.abs(value) <= LARGEST ? value : null;
}

function equal(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right;
  const kind = typeof left;
  return kind === typeof right && kind !== "object" && left === right;
}

function byCodePoint(a: string, b: string): number {
  const [one, other] = [[...a], [...b]];
  for (let i = 0; i < Math.min(one.length, other.length); i++) {
    const gap = one[i]!.codePointAt(0)! - other[i]!.codePointAt(0)!;
    if (gap) return gap;
  }
  return one.length - other.length;
}

/** Numbers by size, texts by code point (ISO dates in order); anything else is in no order. */
function ordered(left: Value, right: Value, fits: (gap: number) => boolean): boolean {
  if (typeof left === "string" && typeof right === "string") return fits(byCodePoint(left, right));
  const [one, other] = [number(left), number(right)];
  if (one === null || other === null) return false;
  return fits(one < other ? -1 : one > other ? 1 : 0);
}

function reckoned(left: Value, right: Value, work: (a: number, b: number) => number): number | null {
  const [one, other] = [number(left), number(right)];
  return one === null || other === null ? null : number(work(one, other));
}

const OPERATORS: Record<string, (a: Value, b: Value) => Value> = {
  "=": equal,
  "!=": (a, b) => !equal(a, b),
  "<": (a, b) => ordered(a, b, (gap) => gap < 0),
  "<=": (a, b) => ordered(a, b, (gap) => gap <= 0),
  ">": (a, b) => ordered(a, b, (gap) => gap > 0),
  ">=": (a, b) => ordered(a, b, (gap) => gap >= 0),
  has: (a, b) => typeof b === "string" && (Array.isArray(a) ? a.includes(b) : isRecord(a) && Object.hasOwn(a, b)),
  "+": (a, b) => reckoned(a, b, (x, y) => x + y),
  "-": (a, b) => reckoned(a, b, (x, y) => x - y),
  "*": (a, b) => reckoned(a, b, (x, y) => x * y),
  "/": (a, b) => (b === 0 ? null : reckoned(a, b, (x, y) => x / y)),
};

function values(value: Value): Value[] {
  return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
}

const FUNCTIONS = new Map<string, (value: Value) => Value>([
  ["count", (v) => (typeof v === "string" ? [...v].length : values(v).length)],
  ["sum", (v) => number(values(v).reduce<number>((total, part) => total + (number(part) ?? 0), 0))],
  ["absent", (v) => (isRecord(v) ? values(v).filter((r) => isRecord(r) && r.there === false).length : 0)],
  ["answered", (v) => !isBlank(v)],
]);
