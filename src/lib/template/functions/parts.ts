import { checkCharacters, checkMembers, spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { FunctionError } from '../error.ts';
import type { GoMap } from '../values.ts';
import { byteLength, sliceBytes } from './access.ts';
import { fixed } from './define.ts';
import type { FunctionTable } from './define.ts';
import { ownMap } from './own.ts';

function splitList(separator: string, text: string, runtime: Runtime): readonly string[] {
  const parts = separator === '' ? Array.from(text) : text.split(separator);
  spend(runtime, parts.length >>> 2);
  checkMembers(runtime, parts.length);
  return parts;
}

/** At most `count` parts, of which the last holds the rest; all where it is negative, none where it is 0. */
function splitAtMost(separator: string, count: number, text: string, runtime: Runtime): readonly string[] {
  if (count === 0) return [];
  const parts = splitList(separator, text, runtime);
  if (count < 0 || parts.length <= count) return parts;
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

/** What a new name in a map takes, in steps. */
const nameSteps = 12;

/** Sprig's map of parts: `_0`, `_1` and so on. */
function numbered(parts: readonly string[], runtime: Runtime): GoMap {
  spend(runtime, parts.length * nameSteps);
  const map = ownMap();
  parts.forEach((part, index) => {
    map[`_${index}`] = part;
  });
  return map;
}

/** From byte `start` to byte `end`; a negative start means 0, an end that is negative or too far the end of the text. */
function substr(start: number, end: number, text: string): string {
  const size = byteLength(text);
  const from = Math.max(start, 0);
  const to = start >= 0 && (end < 0 || end > size) ? size : end;
  if (from > to || to > size)
    throw new FunctionError(`slice bounds out of range [${from}:${to}] in a text of ${size} bytes`);
  return sliceBytes(text, from, to);
}

/** Lines of at most `width` bytes, broken at spaces; a word that is longer is cut, or stands on a line of its own. */
function wrap(width: number, separator: string, cutsWords: boolean, text: string, runtime: Runtime): string {
  spend(runtime, text.length);
  const most = Math.max(width, 1);
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const lines: string[] = [];
  let offset = 0;
  while (bytes.length - offset > most) {
    if (bytes[offset] === ' ') {
      offset += 1;
      continue;
    }
    const gap = bytes.slice(offset, offset + most + 1).lastIndexOf(' ');
    const next = gap === -1 && !cutsWords ? bytes.indexOf(' ', offset + most) : offset + (gap === -1 ? most : gap);
    if (next === -1) break;
    lines.push(bytes.slice(offset, next));
    offset = next + (gap === -1 && cutsWords ? 0 : 1);
  }
  lines.push(bytes.slice(offset));
  spend(runtime, lines.length);
  checkCharacters(runtime, bytes.length + lines.length * separator.length);
  return lines.map((line) => Buffer.from(line, 'latin1').toString('utf8')).join(separator);
}

/** Parts of text, as Sprig has them. */
export const partFunctions: FunctionTable = {
  split: fixed(['string', 'string'], (separator, text, runtime) =>
    numbered(splitList(separator, text, runtime), runtime),
  ),
  splitn: fixed(['string', 'int', 'string'], (separator, count, text, runtime) =>
    numbered(splitAtMost(separator, count, text, runtime), runtime),
  ),
  splitList: fixed(['string', 'string'], splitList),
  substr: fixed(['int', 'int', 'string'], substr),
  wrap: fixed(['int', 'string'], (width, text, runtime) => wrap(width, '\n', false, text, runtime)),
  wrapWith: fixed(['int', 'string', 'string'], (width, separator, text, runtime) =>
    wrap(width, separator === '' ? '\n' : separator, true, text, runtime),
  ),
};
