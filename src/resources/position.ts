import type { Scalar } from 'yaml';

/**
 * Where the character at `offset` of a scalar's value stands in the file: its offset there. Block scalars, folded and
 * quoted ones are followed character by character; what an escape stands for points at the escape.
 */
export function offsetInSource(source: string, scalar: Scalar, offset: number): number {
  const [start = 0, end = start] = scalar.range ?? [];
  const value = String(scalar.value);
  if (scalar.type === 'BLOCK_LITERAL') return inLiteral(source, start, end, value, offset);
  if (scalar.type === 'BLOCK_FOLDED')
    return follow(source, nextLine(source, start), end, value, offset, plainCharacter);
  if (scalar.type === 'QUOTE_DOUBLE') return follow(source, start + 1, end, value, offset, doubleQuotedCharacter);
  if (scalar.type === 'QUOTE_SINGLE') return follow(source, start + 1, end, value, offset, singleQuotedCharacter);
  return follow(source, start, end, value, offset, plainCharacter);
}

function nextLine(source: string, from: number): number {
  const lineFeed = source.indexOf('\n', from);
  return lineFeed === -1 ? source.length : lineFeed + 1;
}

/** Lines of a literal block are lines of its value, each after the same indentation. */
function inLiteral(source: string, start: number, end: number, value: string, offset: number): number {
  const lines = value.slice(0, offset).split('\n');
  let position = nextLine(source, start);
  const first = value.split('\n').find((line) => line.trim() !== '') ?? '';
  const indent = literalIndent(source.slice(position, end), first);
  for (let line = 1; line < lines.length; line += 1) position = nextLine(source, position);
  return Math.min(position + indent + (lines.at(-1)?.length ?? 0), end);
}

function literalIndent(block: string, firstLine: string): number {
  const line = block.split('\n').find((text) => text.trim() !== '') ?? '';
  return Math.max(0, line.replace(/\r$/, '').length - firstLine.length);
}

/** How many source characters stand for the value's character(s) at a place, and how many those are. */
type ReadCharacter = (
  source: string,
  position: number,
) => { readonly sourceLength: number; readonly valueLength: number };

const plainCharacter: ReadCharacter = () => ({ sourceLength: 1, valueLength: 1 });

const singleQuotedCharacter: ReadCharacter = (source, position) => ({
  sourceLength: source.startsWith("''", position) ? 2 : 1,
  valueLength: 1,
});

const doubleQuotedCharacter: ReadCharacter = (source, position) => {
  if (source[position] !== '\\') return { sourceLength: 1, valueLength: 1 };
  const kind = source[position + 1] ?? '';
  const digits = { x: 2, u: 4, U: 8 }[kind] ?? 0;
  const code = digits === 0 ? 0 : Number.parseInt(source.slice(position + 2, position + 2 + digits), 16);
  return { sourceLength: 2 + digits, valueLength: code > 0xffff ? 2 : 1 };
};

/** Walks value and source together. Runs of white space may differ (folding, indentation); all else is in step. */
function follow(
  source: string,
  start: number,
  end: number,
  value: string,
  offset: number,
  read: ReadCharacter,
): number {
  let position = start;
  let index = 0;
  while (index < offset && position < end) {
    if (isSpace(value[index]) && isSpace(source[position])) {
      const length = spaceLength(source, position);
      const run = Math.min(spaceLength(value, index), spaceInValue(source.slice(position, position + length)));
      if (index + run > offset) return Math.min(position + (offset - index), position + length);
      index += run;
      position += length;
    } else if (isSpace(source[position]) && !isSpace(value[index])) {
      position += spaceLength(source, position);
    } else {
      const { sourceLength, valueLength } = read(source, position);
      index += valueLength;
      position += sourceLength;
    }
  }
  return isSpace(source[position]) && !isSpace(value[offset]) ? position + spaceLength(source, position) : position;
}

/** What a run of white space becomes at most: itself on one line; a space or line feeds where it folds lines. */
function spaceInValue(run: string): number {
  return run.includes('\n') ? Math.max(1, run.replaceAll('\r', '').length) : run.length;
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t';
}

function spaceLength(text: string, from: number): number {
  let length = 0;
  while (isSpace(text[from + length])) length += 1;
  return length;
}
