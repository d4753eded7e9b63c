// Which side of its marker a name takes, so that no name lies on another. Pure: boxes in pixels.
export type Point = [number, number];
export type Box = [number, number, number, number]; // left, top, right, bottom

/** Owners of boxes that are no rep's marker; a marker's is its slot. */
export const STOP = -1, NAME = -2;
const HIGH = 12, EDGE = 2; // half a name's height with some air, and the air beside it

/** A name to place; `off` is how far from the marker's middle it begins. An owed one may cover markers. */
export type Wanted = { slot: number; at: Point; off: number; width: number; isOwed: boolean };

const overlap = (a: Box, b: Box) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** Where the name begins, from the marker's middle: the first of four sides that is free, if there is one;
 * at the map's edge rather one where all of it can be read. */
export function placeName(taken: Crowd, { slot, at, off, width, isOwed }: Wanted): Point | undefined {
  const sides: Point[] = [[off, 0], [-off - width, 0], [-width / 2, -off - 10], [-width / 2, off + 10]];
  const boxes = sides.map((side) => nameBox(at, side, width));
  const isFree = (box: Box) => !taken.has(box, (owner) => owner !== slot);
  let side = boxes.findIndex((box) => taken.isInside(box) && isFree(box));
  if (side < 0) side = boxes.findIndex((box) => !taken.isInside(box) && isFree(box));
  if (side < 0 && isOwed) side = boxes.findIndex((box) => !taken.has(box, (owner) => owner === NAME));
  if (side < 0) return undefined;
  taken.add(boxes[side], NAME);
  return sides[side];
}

export function nameBox([x, y]: Point, [dx, dy]: Point, width: number): Box {
  return [x + dx - EDGE, y + dy - HIGH, x + dx + width + EDGE, y + dy + HIGH];
}

/** Boxes in a grid of cells, so that thousands can be asked whether a place among them is free. */
export class Crowd {
  private static readonly CELL = 32;
  private readonly columns: number;
  private readonly rows: number;
  private readonly cells: { box: Box; owner: number }[][];
  constructor(private width: number, private height: number) {
    this.columns = Math.ceil(width / Crowd.CELL) + 1;
    this.rows = Math.ceil(height / Crowd.CELL) + 1;
    this.cells = Array.from({ length: this.columns * this.rows }, () => []);
  }
  add(box: Box, owner: number) {
    this.each(box, (cell) => { cell.push({ box, owner }); return false; });
  }
  isInside([left, top, right, bottom]: Box): boolean {
    return left >= 0 && top >= 0 && right <= this.width && bottom <= this.height;
  }
  /** Whether a box of one of these owners lies there. */
  has(box: Box, whose: (owner: number) => boolean): boolean {
    return this.each(box, (cell) => cell.some((other) => whose(other.owner) && overlap(other.box, box)));
  }
  private each([x0, y0, x1, y1]: Box, look: (cell: { box: Box; owner: number }[]) => boolean): boolean {
    const clamp = (value: number, most: number) => Math.max(0, Math.min(most - 1, Math.floor(value / Crowd.CELL)));
    for (let row = clamp(y0, this.rows); row <= clamp(y1, this.rows); row++) {
      for (let column = clamp(x0, this.columns); column <= clamp(x1, this.columns); column++) {
        if (look(this.cells[row * this.columns + column])) return true;
      }
    }
    return false;
  }
}
