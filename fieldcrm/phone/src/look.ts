/**
 * Today as it last stood. It lies beside the database for the next cold opening, which shows it before the
 * app is here: only on the day it is of, and only while the database holds what it was drawn from.
 */
export interface Look {
  html: string;
  stamp: string;
  /** The day it is of, by the phone's own clock. Epoch ms. */
  from_ms: number;
  to_ms: number;
}

export const LOOK = "fieldcrm.look";
