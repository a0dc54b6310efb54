import { hash } from 'node:crypto';

/** Lowercase hex SHA-256 of text (as UTF-8) or bytes. */
export function sha256Hex(content: string | Uint8Array): string {
  return hash('sha256', content);
}

/**
 * JSON text that is the same for equal values: object keys in UTF-16 order, no spaces (RFC 8785). Members that JSON
 * cannot hold (`undefined`, functions) are left out of objects and are null in lists. For values that come from JSON.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map((member) => canonicalJson(member)).join(',')}]`;
  const members: string[] = [];
  for (const [key, member] of Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))) {
    if (member !== undefined && typeof member !== 'function')
      members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

/** Lowercase hex SHA-256 of {@link canonicalJson}: the hash of plans, actions and contents. */
export function canonicalSha256(value: unknown): string {
  return sha256Hex(canonicalJson(value));
}

/** Compares text as its UTF-8 bytes would compare (Go's and Rust's order; JavaScript's differs above U+FFFF). */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    // A surrogate stands for a character above every other unit, so U+E000 to U+FFFF must come before it.
    if (a !== b) return a >= 0xd800 && b >= 0xd800 ? surrogatesLast(a) - surrogatesLast(b) : a - b;
  }
  return left.length - right.length;
}

function surrogatesLast(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/**
 * The project's identity of an alert: lowercase hex SHA-256 of `alertName + "-" + JSON(labels)`, keys in UTF-8 byte order,
 * no spaces, non-ASCII unescaped (the bytes that serde_json writes). `labels` includes `alertname`.
 */
export function alertFingerprint(alertName: string, labels: Readonly<Record<string, string>>): string {
  const members = Object.keys(labels)
    .sort(compareUtf8)
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(labels[name])}`);
  return sha256Hex(`${alertName}-{${members.join(',')}}`);
}

const separator = 255;

/**
 * Alertmanager's fingerprint of a label set (model.LabelSet.Fingerprint): FNV-1a 64 over names in UTF-8 byte order, each
 * name and value followed by byte 255; 16 lowercase hex digits.
 */
export function alertmanagerFingerprint(labels: Readonly<Record<string, string>>): string {
  // The offset basis cbf29ce484222325 as four 16-bit limbs, lowest first: about ten times faster than BigInt.
  const limbs: Limbs = [0x2325, 0x8422, 0x9ce4, 0xcbf2];
  for (const name of Object.keys(labels).sort(compareUtf8)) {
    addText(limbs, name);
    addByte(limbs, separator);
    addText(limbs, labels[name] ?? '');
    addByte(limbs, separator);
  }
  return limbs.reduceRight((digits, limb) => digits + limb.toString(16).padStart(4, '0'), '');
}

type Limbs = [number, number, number, number];

/** One FNV-1a step; the prime is 2^40 + 435, so the product is `hash * 435 + (hash << 40)`. */
function addByte(limbs: Limbs, byte: number): void {
  const low = limbs[0] ^ byte;
  const product0 = low * 435;
  const product1 = limbs[1] * 435 + (product0 >>> 16);
  const product2 = limbs[2] * 435 + low * 256 + (product1 >>> 16);
  const product3 = limbs[3] * 435 + limbs[1] * 256 + (product2 >>> 16);
  limbs[0] = product0 & 0xffff;
  limbs[1] = product1 & 0xffff;
  limbs[2] = product2 & 0xffff;
  limbs[3] = product3 & 0xffff;
}

function addText(limbs: Limbs, text: string): void {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit > 127) {
      for (const byte of Buffer.from(text.slice(index), 'utf8')) addByte(limbs, byte);
      return;
    }
    addByte(limbs, unit);
  }
}
