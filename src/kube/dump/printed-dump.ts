import type { Pieces } from '../../lib/turns.ts';

/** A container's log in what was printed. */
export interface PrintedLog {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly text: Buffer;
}

export interface PrintedDump {
  readonly lists: readonly Buffer[];
  readonly logs: readonly PrintedLog[];
}

const startMark = '==== START logs for container ';

/**
 * What `kubectl cluster-info dump` prints where it writes no folder: Lists one after the other, and sections of logs. Null
 * where it is one document without logs. A section without its end goes to the end.
 */
export function* splitPrintedDump(bytes: Buffer): Pieces<PrintedDump | null> {
  const lists: Buffer[] = [];
  const logs: PrintedLog[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = nextStart(bytes, at);
    for (const list of documentsIn(bytes, at, start)) {
      lists.push(list);
      yield;
    }
    const header = readHeader(bytes, start);
    if (header === null) break;
    const { namespace, pod, container, from } = header;
    const endMark = `==== END logs for container ${container} of pod ${namespace}/${pod} ====`;
    const end = bytes.indexOf(endMark, from);
    logs.push({ namespace, pod, container, text: bytes.subarray(from, end < 0 ? bytes.length : end) });
    at = end < 0 ? bytes.length : end + endMark.length;
    yield;
  }
  return lists.length < 2 && logs.length === 0 ? null : { lists, logs };
}

/** At the beginning of a line; the end where there is none. */
function nextStart(bytes: Buffer, from: number): number {
  if (bytes.subarray(from, from + startMark.length).toString('latin1') === startMark) return from;
  const found = bytes.indexOf(`\n${startMark}`, from);
  return found < 0 ? bytes.length : found + 1;
}

function readHeader(bytes: Buffer, start: number): (Omit<PrintedLog, 'text'> & { readonly from: number }) | null {
  const line = bytes.toString('latin1', start, start + 1000);
  const [all, container = '', namespace = '', pod = ''] =
    /^==== START logs for container (\S{1,253}) of pod ([^\s/]{1,253})\/(\S{1,253}) ====\r?\n?/.exec(line) ?? [];
  return all === undefined ? null : { container, namespace, pod, from: start + all.length };
}

/** In JSON no object follows another without a comma, so a `{` at the beginning of a line behind a `}` begins a document. */
function* documentsIn(bytes: Buffer, from: number, to: number): Generator<Buffer> {
  let start = bytes.indexOf('{', from);
  let next = start;
  while (start >= 0 && start < to) {
    next = bytes.indexOf('\n{', next + 1);
    if (next >= 0 && next < to && !isBehindObject(bytes, next)) continue;
    const end = next < 0 || next >= to ? to : next + 1;
    yield bytes.subarray(start, end);
    start = end < to ? end : -1;
  }
}

function isBehindObject(bytes: Buffer, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && [0x20, 0x09, 0x0a, 0x0d].includes(bytes[before] ?? 0)) before -= 1;
  return bytes[before] === 0x7d;
}
