import { mostNoteBytes } from '../../core/cluster.ts';
import type { ObjectReference } from '../../core/cluster.ts';
import { sha256Hex } from '../../lib/hash.ts';
import { printable } from '../../lib/printable.ts';
import { redact } from '../../lib/redact.ts';

/** Something that is said about an object. */
export interface EventText {
  readonly type: 'Normal' | 'Warning';
  /** In one word, `RunFailed`. */
  readonly reason: string;
  /** What was done when it happened, `Reconcile`. */
  readonly action: string;
  /** A sentence. Secrets are taken out of it, and what is too long is cut. */
  readonly note: string;
  /** What makes it the same as another one; absent = the note, but for numbers and ids in it. The first note stands for all. */
  readonly series?: string;
}

/** What is said again is a series: the same of the same object. */
export function seriesKey(regarding: ObjectReference, { type, reason, action, note, series }: EventText): string {
  const kindOfNote = series ?? note.replace(/\b[0-9a-f-]*\d[0-9a-f-]*\b/gi, '#');
  return JSON.stringify([objectKey(regarding), type, reason, action, kindOfNote.slice(0, 300)]);
}

/** The object as far as Events tell one from another. */
export function objectKey({ apiVersion, kind, namespace, name, uid }: ObjectReference): string {
  return JSON.stringify([apiVersion, kind, namespace, name, uid]);
}

const mostWordCharacters = 128;

/** What the API server takes: notes of 1024 bytes, words of 128 characters, and none that is empty. */
export function fitText({ type, reason, action, note }: EventText): EventText {
  const word = (text: string, instead: string): string => text.slice(0, mostWordCharacters) || instead;
  return { type, reason: word(reason, 'Unknown'), action: word(action, 'Unknown'), note: fitNote(note) };
}

/** What is longer is not looked through: a secret that begins in the part that is shown ends not much later. */
const mostReadCharacters = 8 * 1024;
const cutMark = '…';

function fitNote(note: string): string {
  const bytes = Buffer.from(printable(redact(note.slice(0, mostReadCharacters))), 'utf8');
  if (bytes.length <= mostNoteBytes) return bytes.toString('utf8');
  const room = mostNoteBytes - Buffer.byteLength(cutMark);
  // Streaming leaves out a character that is not whole.
  return new TextDecoder('utf-8').decode(bytes.subarray(0, room), { stream: true }) + cutMark;
}

const longestBase = 200;

/** A name that the API server takes, whatever the object is called: that of the object, and what nobody else makes. */
export function eventName(regarding: ObjectReference, unique: string): string {
  const base = regarding.name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .slice(0, longestBase)
    .split('.')
    .map((label) => label.replace(/^-+|-+$/g, ''))
    .filter((label) => label !== '')
    .join('.');
  const id = sha256Hex(unique).slice(0, 16);
  return base === '' ? `event.${id}` : `${base}.${id}`;
}
