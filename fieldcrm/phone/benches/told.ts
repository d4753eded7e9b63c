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
  tomorrow: string;
  keeps_shift: boolean;
}
