import { isSecretName } from '../secret-names.ts';

type Report = (start: number, end: number) => void;

const begin = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
/** Of a key in characters, with what a log puts before each line. */
const longestKey = 64 * 1024;
/** A line of a key whose end was cut off, whatever stands before it in a log. */
const keyLine =
  /\r?\n(?:[^\n]{0,64}?[A-Za-z0-9+/=]{32,}[ \t]*|[A-Za-z0-9+/=]{0,76}|(?:Proc-Type|DEK-Info|Version|Comment|Hash): [^\n]{0,80})(?=\r?\n|$)/y;
const keyText = /(?:[A-Za-z0-9+/=]|\\{1,3}[nrt]){0,65536}/y;

/**
 * Secrets that take several lines, wherever they end in `whole`: private keys, block scalars of YAML, data of Secrets.
 * Looks for those that begin in the part `from` to `to`, from `free` on: what is before it was reported already.
 */
export function findBlocks(whole: string, from: number, to: number, free: number, report: Report): void {
  const part = whole.slice(from, to + 100);
  let reached = free;
  const take = (start: number, stop: number): void => {
    if (stop <= reached) return;
    report(Math.max(start, reached), stop);
    reached = stop;
  };
  if (part.includes('-----')) findKeys(whole, part, from, take, () => reached);
  for (const match of part.matchAll(blockScalar)) {
    const [line, indent = '', name = ''] = match;
    const start = from + match.index + line.length;
    if (start < reached || !isSecretName(name)) continue;
    const spaces = /^\r?\n[ \t]{0,64}/.exec(whole.slice(start, start + 66))?.[0].length ?? 1;
    take(start + spaces, endOfBlock(whole, start, indent.length));
  }
  if (/\b(?:data|stringData)"?:/.test(part)) findSecretData(whole, from, to, take);
}

function findKeys(
  whole: string,
  part: string,
  from: number,
  take: (start: number, stop: number) => void,
  reached: () => number,
): void {
  for (const match of part.matchAll(begin)) {
    const start = from + match.index;
    if (start < reached()) continue;
    const after = start + match[0].length;
    take(start, endOfKey(whole, after) ?? endOfCutKey(whole, after));
  }
  for (const match of part.matchAll(end)) {
    const stop = from + match.index + match[0].length;
    if (stop > reached()) take(startOfCutKey(whole, from + match.index, reached()), stop);
  }
}

/** Behind its end; null where another key begins before, or none comes: this one was cut. */
function endOfKey(whole: string, after: number): number | null {
  const text = whole.slice(after, after + longestKey);
  const next = text.search(new RegExp(begin.source));
  const closing = new RegExp(end.source).exec(next < 0 ? text : text.slice(0, next));
  return closing === null ? null : after + closing.index + closing[0].length;
}

function endOfCutKey(whole: string, after: number): number {
  let position = after;
  for (;;) {
    keyLine.lastIndex = position;
    const line = keyLine.exec(whole)?.[0];
    if (line === undefined) break;
    position += line.length;
  }
  keyText.lastIndex = position;
  return position === after ? position + (keyText.exec(whole)?.[0].trimEnd().length ?? 0) : position;
}

/** Back over the lines of base64 before an end that has no beginning. */
function startOfCutKey(whole: string, stop: number, lowest: number): number {
  // What is before `lowest` is not looked at: ends without line feeds would be gone through again for each of them.
  const lineBefore = (position: number): number =>
    lowest + whole.slice(lowest, Math.max(lowest, position)).lastIndexOf('\n') + 1;
  let start = lineBefore(stop);
  for (let lines = 0; lines < 200 && start > lowest; lines += 1) {
    const before = lineBefore(start - 1);
    if (start - before > 256 || !/[A-Za-z0-9+/=]{32,}\s*$/.test(whole.slice(before, start))) break;
    start = before;
  }
  return start;
}

const blockScalar =
  /^([ \t]{0,64}(?:- )?)["']?([\w.-]{1,128})["']?:[ \t]{0,8}(?:!\S{1,32}[ \t])?[|>][+-]?\d?[+-]?[ \t]{0,64}$/gm;

/** Behind the last line that is indented further. */
function endOfBlock(whole: string, start: number, indent: number): number {
  let position = start;
  while (position < whole.length) {
    const next = whole.indexOf('\n', position + 1);
    const line = whole.slice(position + 1, next < 0 ? whole.length : next);
    const spaces = line.length - line.trimStart().length;
    if (line.trim() !== '' && spaces <= indent) break;
    position = next < 0 ? whole.length : next;
  }
  return position;
}

const secretKind = /^[ \t]{0,32}(?:- )?kind: ?["']?Secret["']?[ \t]*$|"kind": ?"Secret"/m;
/** How far the kind may be from the data: keys of an object stand in any order. Characters. */
const reach = 16_384;

/** Values under `data` and `stringData` near a Secret that was printed. */
function findSecretData(whole: string, from: number, to: number, take: (start: number, stop: number) => void): void {
  if (!secretKind.test(whole.slice(Math.max(0, from - reach), to + reach))) return;
  const text = whole.slice(from, to + reach);
  for (const match of text.matchAll(
    /^([ \t]{0,32})(?:data|stringData):[ \t]*\n((?:\1[ \t]+[^\n]*(?:\n|$)){1,500})/gm,
  )) {
    if (from + match.index >= to) break;
    const lines = match[2] ?? '';
    const start = from + match.index + match[0].length - lines.length;
    for (const { 0: line, 1: name = '', index } of lines.matchAll(/^([ \t]+["']?[\w.-]+["']?:[ \t]*)[^\s|>][^\n]*/gm))
      take(start + index + name.length, start + index + line.length);
  }
  for (const match of text.matchAll(/"(?:data|stringData)": ?\{([^{}]{1,16384})\}/g)) {
    if (from + match.index >= to) break;
    const start = from + match.index + match[0].length - 1 - (match[1] ?? '').length;
    for (const { 0: pair, 1: value = '', index } of (match[1] ?? '').matchAll(/"[\w.-]+": ?"([^"]*)"/g))
      take(start + index + pair.length - 1 - value.length, start + index + pair.length - 1);
  }
}
