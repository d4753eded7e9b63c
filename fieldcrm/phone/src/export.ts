/** Work that finds no network, as a file only the company's own server can open. */
import type { StoredFile } from "./docs";
import type { PhoneDb } from "./db";
import { isUnsent } from "./sent";
import { wire } from "./sync";
import type { ExportContent, ExportPhoto } from "./wire.gen";

const MAGIC = "fieldcrm-export-1\n";
const INFO = new TextEncoder().encode("fieldcrm-export-1");

/** Everything the server has not answered for: actions in order, and photos with their bytes. */
export async function unsentContent(db: PhoneDb, repId: string): Promise<ExportContent> {
  const entries = (await db.outbox.orderBy("seq").toArray()).filter(isUnsent);
  const files = await db.files.where("state").equals("waiting").toArray();
  return {
    rep_id: repId, device_id: (await db.get<string>("device_id")) ?? "", made_at_ms: Date.now(),
    mutations: entries.map(wire), photos: (await Promise.all(files.map((f) => photo(db, f)))).filter((p) => p !== null),
  };
}

async function photo(db: PhoneDb, file: StoredFile): Promise<ExportPhoto | null> {
  const kept = await db.blobs.get(file.sha256);
  return kept ? { sha256: file.sha256, base64: toBase64(kept.bytes) } : null;
}

/**
 * Seal for the server's public point (base64): magic line, the point of a key pair made for this one
 * file, nonce, sealed JSON. P-256 ECDH, HKDF-SHA-256, AES-256-GCM; the head is authenticated too.
 */
export async function seal(content: ExportContent, serverPoint: string): Promise<Uint8Array<ArrayBuffer>> {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const own = await crypto.subtle.generateKey(curve, false, ["deriveBits"]);
  const theirs = await crypto.subtle.importKey("raw", fromBase64(serverPoint), curve, false, []);
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, own.privateKey, 256);
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", own.publicKey));
  const material = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const derive = { name: "HKDF", hash: "SHA-256", salt: point, info: INFO };
  const key = await crypto.subtle.deriveKey(derive, material, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  const head = joined(new TextEncoder().encode(MAGIC), point);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(JSON.stringify(content));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: head }, key, plain);
  return joined(head, iv, new Uint8Array(sealed));
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function toBase64(data: ArrayBuffer): string {
  let text = "";
  const all = new Uint8Array(data);
  for (let i = 0; i < all.length; i += 0x8000) text += String.fromCharCode(...all.subarray(i, i + 0x8000));
  return btoa(text);
}

/** Hand the file over: to another app where the phone can share, else as a download. True once it left. */
export async function handOver(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<boolean> {
  const file = new File([bytes], name, { type: "application/octet-stream" });
  if (navigator.canShare?.({ files: [file] })) return navigator.share({ files: [file] }).then(() => true, () => false);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return true;
}
