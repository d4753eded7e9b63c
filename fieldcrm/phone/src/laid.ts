/** Rows with a few of the rep's own laid over them: made in no time, however many rows there are. Pure. */

export class Laid<T> implements ReadonlyMap<string, T> {
  /** Only what differs from the rows below. */
  readonly over = new Map<string, T>();

  constructor(readonly under: ReadonlyMap<string, T>, over: Iterable<[string, T]> = []) {
    for (const [id, row] of over) this.over.set(id, row);
  }

  set(id: string, row: T): void {
    this.over.set(id, row);
  }

  get(id: string): T | undefined {
    return this.over.get(id) ?? this.under.get(id);
  }

  has(id: string): boolean {
    return this.over.has(id) || this.under.has(id);
  }

  get size(): number {
    let size = this.under.size;
    for (const id of this.over.keys()) if (!this.under.has(id)) size++;
    return size;
  }

  *entries(): MapIterator<[string, T]> {
    for (const [id, row] of this.under) yield [id, this.over.get(id) ?? row];
    for (const [id, row] of this.over) if (!this.under.has(id)) yield [id, row];
  }

  *keys(): MapIterator<string> {
    for (const [id] of this.entries()) yield id;
  }

  *values(): MapIterator<T> {
    for (const [, row] of this.entries()) yield row;
  }

  [Symbol.iterator](): MapIterator<[string, T]> {
    return this.entries();
  }

  forEach(look: (row: T, id: string, map: ReadonlyMap<string, T>) => void): void {
    for (const [id, row] of this.entries()) look(row, id, this);
  }
}
