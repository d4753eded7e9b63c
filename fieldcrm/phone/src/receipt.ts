/** The day's receipt: what the server says it holds, compared with what this phone knows. Pure. */
import type { Entry, StoredFile, Visit } from "./docs";
import { isUnsent } from "./sent";
import type { Receipt } from "./wire.gen";

export interface Compared {
  /** Closed on this phone, and their photos. */
  visits: number;
  photos: number;
  /** Spoken notes. */
  sounds: number;
  /** Of these, what the server doesn't hold. */
  missingVisits: Visit[];
  missingPhotos: string[];
  missingSounds: string[];
  /** Actions that the server has no answer for, or refused while the rep hasn't decided: of other things. */
  open: Entry[];
  /** Hashes of files of cards and corrections that wait here, or that the server won't take while the rep hasn't decided. */
  left: string[];
  isWhole: boolean;
}

/** `day`: the day's visits as the phone shows them; `entries`: the outbox; `files`: all that the phone has of files. */
export function compare(receipt: Receipt, day: Visit[], entries: Entry[], files: StoredFile[]): Compared {
  const closed = day.filter((v) => v.state === "closed");
  const there = new Set(receipt.visits.filter((v) => v.state === "closed").map((v) => v.id));
  const held = new Set(receipt.photos);
  const of = (isSound: boolean) => [...new Set(day.flatMap((v) => v.attachments.filter((a) => (a.kind === "audio") === isSound).map((a) => a.sha256)))];
  const photos = of(false);
  const sounds = of(true);
  const missingVisits = closed.filter((v) => !there.has(v.id));
  const named = new Set(missingVisits.map((v) => v.id));
  const missingPhotos = photos.filter((sha) => !held.has(sha));
  const missingSounds = sounds.filter((sha) => !held.has(sha));
  const open = entries.filter((e) => (isUnsent(e) || isRefused(e)) && !named.has(e.subject_id));
  const told = new Set([...photos, ...sounds]);
  const left = files.filter((f) => isHereAlone(f) && !told.has(f.sha256) && !open.some((e) => e.id === f.entry_id)).map((f) => f.sha256);
  const isWhole = missingVisits.length + missingPhotos.length + missingSounds.length + open.length + left.length === 0;
  return { visits: closed.length, photos: photos.length, sounds: sounds.length, missingVisits, missingPhotos, missingSounds, open, left, isWhole };
}

function isHereAlone(f: StoredFile): boolean {
  return f.state === "waiting" || (f.state === "refused" && f.code !== "given_up");
}

/** Refused, and neither done anew nor given up: work that exists on this phone alone. */
function isRefused(e: Entry): boolean {
  return e.status === "refused" && !e.dismissed;
}
