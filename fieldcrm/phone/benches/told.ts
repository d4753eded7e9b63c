import type { OfficeTold } from "./office";

/** Phones that end together, and the office beside them. */
export interface Group {
  number: number;
  phones: Told[];
  office: OfficeTold;
  /** The product's clock; null: it is real time. */
  clock: Clock | null;
}

/** Shows `start_ms` at the real moment `origin_ms`, and goes `speed` times as fast from there. */
export interface Clock {
  start_ms: number;
  origin_ms: number;
  speed: number;
}

/** A day of the long run: its local midnight, and what this phone visits. */
export interface Day {
  day: string;
  begins_ms: number;
  visits: string[];
}

/** What a phone is told before it begins. */
export interface Told {
  number: number;
  schedule: number;
  seed: number;
  /** Through the faulty network, and past it. */
  origin: string;
  direct: string;
  cookie: string;
  rep_id: string;
  clock_error_ms: number;
  /** Its own visits, and those that the rep's other phone also works on. */
  visits: string[];
  contested: string[];
  /** Cards that only it, or others too, write on. */
  clients: string[];
  shared_clients: string[];
  today: string;
  keeps_shift: boolean;
  /** Of the long run: its days, and when this phone has no network. */
  days?: Day[];
  offline?: [number, number][];
}
