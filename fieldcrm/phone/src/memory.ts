/**
 * The server's rows as the screens hold them. The first screen reads its own day, everything else
 * follows; after that only what was written is read again, for a phone may hold thousands of rows.
 */
import type { Table } from "dexie";
import type { PhoneDb } from "./db";
import type { Client, DayPlan, Product, Profile, Shift, Visit } from "./docs";
import { clientsOf, type FirstRows } from "./first_rows";
import type { CorrectionDoc, FormDoc, JointDoc } from "./wire.gen";

/** Rows that were written since they were last read, by entity; null: anything may have been. */
export type Touched = Map<string, Set<string>> | null;

export class Memory {
  visits = new Map<string, Visit>();
  clients = new Map<string, Client>();
  profiles: Profile[] = [];
  products: Product[] = [];
  shifts: Shift[] = [];
  plans: DayPlan[] = [];
  forms: FormDoc[] = [];
  corrections: CorrectionDoc[] = [];
  joints: JointDoc[] = [];
  /** Not only the first screen's rows are wanted. */
  wantsAll = false;
  /** Every visit and card is here. */
  isWhole = false;

  constructor(private readonly db: PhoneDb) {}

  /** The first screen's rows, and no others. */
  take({ visits, clients, profiles, products, shifts, plans, forms, corrections, joints }: FirstRows): void {
    Object.assign(this, { visits, clients, profiles, products, shifts, plans, forms, corrections, joints, isWhole: false });
  }

  /** Read what was written; everything where that is not known. */
  async read(): Promise<void> {
    const { db } = this;
    const touched = db.touched;
    db.touched = new Map();
    try {
      await Promise.all([this.readSmall(touched), touched ? this.readTouched(touched) : this.readAll()]);
    } catch (error) {
      db.touched = null;
      throw error;
    }
  }

  /** Everything, once the first screen stands. */
  async readAll(): Promise<void> {
    this.visits = await inPieces(this.db.visits);
    this.clients = await inPieces(this.db.clients);
    this.isWhole = true;
  }

  private async readSmall(touched: Touched): Promise<void> {
    const { db } = this;
    const wants = (entity: string) => touched === null || touched.has(entity);
    const [profiles, products, shifts, plans, forms, corrections, joints] = await Promise.all([
      wants("profile") ? db.profiles.toArray() : this.profiles, wants("product") ? db.products.toArray() : this.products,
      wants("shift") ? db.shifts.toArray() : this.shifts, wants("plan") ? db.plans.toArray() : this.plans,
      wants("form") ? db.forms.toArray() : this.forms, wants("correction") ? db.corrections.toArray() : this.corrections,
      wants("joint") ? db.joints.toArray() : this.joints,
    ]);
    Object.assign(this, { profiles, products, shifts, plans, forms, corrections, joints });
  }

  private async readTouched(touched: Map<string, Set<string>>): Promise<void> {
    const visits = touched.get("visit");
    if (visits) this.visits = await patched(this.db.visits, this.visits, visits);
    const clients = new Set(touched.get("client") ?? []);
    if (visits && !this.isWhole) for (const id of clientsOf(this.visits.values())) if (!this.clients.has(id)) clients.add(id);
    if (clients.size) this.clients = await patched(this.db.clients, this.clients, clients);
  }
}

const PIECE = 500;

/** All rows of a table, a piece at a time: a press of the rep comes in between. */
async function inPieces<T extends { id: string }>(table: Table<T, string>): Promise<Map<string, T>> {
  const all = new Map<string, T>();
  for (let last = ""; ; ) {
    const rows = await table.where(":id").above(last).limit(PIECE).toArray();
    for (const row of rows) all.set(row.id, row);
    if (rows.length < PIECE) return all;
    last = rows[rows.length - 1]!.id;
    await new Promise((later) => setTimeout(later));
  }
}

/** A new map with these rows as they are now. */
async function patched<T extends { id: string }>(table: Table<T, string>, known: Map<string, T>, ids: Set<string>): Promise<Map<string, T>> {
  const next = new Map(known);
  const keys = [...ids];
  const rows = await table.bulkGet(keys);
  rows.forEach((row, n) => (row ? next.set(row.id, row) : next.delete(keys[n]!)));
  return next;
}
