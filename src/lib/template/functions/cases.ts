import { spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { fixed } from './define.ts';
import type { FunctionTable } from './define.ts';

/** Go's unicode.ToUpper of a character: one for one, so `ß` stays. */
export function upperOf(character: string): string {
  return oneForOne(character, character.toUpperCase());
}

/** Go's unicode.ToLower of a character: one for one and no final sigma. */
export function lowerOf(character: string): string {
  return character === 'İ' ? 'i' : oneForOne(character, character.toLowerCase());
}

function oneForOne(character: string, changed: string): string {
  return String.fromCodePoint(changed.codePointAt(0) ?? 0) === changed ? changed : character;
}

const space = '\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const connector = `[-_${space}]`;
const capital = '\\p{Lu}';
/** Letters that make words: not those of Chinese and its like. */
const letter = '(?:(?![\\u4e00-\\u9fcc\\u3400-\\u4d85\\u{20000}-\\u{2b81d}\\p{Lu}])\\p{L})';

/**
 * The words of a name, as xstrings tells them apart: connectors, punctuation, a number with the small letters behind it
 * (`20x`), capitals up to the one that begins the next word (`HTTP` of `HTTPServer`), a word, and anything else.
 */
const wordPattern = new RegExp(
  `(?<connector>${connector}+)|(?<punctuation>\\p{P}+)|(?<number>\\p{N}(?:\\p{N}|${letter})*)|` +
    `(?<word>${capital}+(?=${capital}${letter})|${capital}${letter}+|${capital}+|${letter}+|(?:(?!${connector})[^\\p{L}\\p{N}\\p{P}]|(?!${letter}|${capital})\\p{L})+)`,
  'gu',
);
const numberWithLetters = new RegExp(`^\\p{N}+${letter}`, 'u');

/** `HTTP20xOK` as `http_20x_ok`, with `_` or `-` between the words. */
function separated(text: string, mark: string, runtime: Runtime): string {
  spend(runtime, 4 + text.length);
  let result = '';
  let previous = '';
  for (const { 0: found, groups = {} } of text.matchAll(wordPattern)) {
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined) ?? '';
    const isJoint = previous === '' || previous === 'connector' || previous === 'punctuation';
    // A number alone belongs to the word before it.
    const isApart = kind === 'word' || (kind === 'number' && numberWithLetters.test(found));
    if (!isJoint && isApart) result += mark;
    result += kind === 'connector' ? mark.repeat(Array.from(found).length) : lowerWord(found);
    previous = kind;
  }
  return result;
}

/** Only a word that begins with a capital changes. */
function lowerWord(word: string): string {
  return /^\p{Lu}/u.test(word) ? Array.from(word, lowerOf).join('') : word;
}

const isConnector = new RegExp(`^${connector}$`);
const isCapital = /^\p{Lu}$/u;

/** `http_server` and `HTTP_SERVER` as `HttpServer`; what connects at the beginning stays. */
function camelcase(text: string, runtime: Runtime): string {
  spend(runtime, 4 + text.length);
  const characters = Array.from(text);
  const start = characters.findIndex((character) => !isConnector.test(character));
  if (start === -1) return text + (characters.at(-1) ?? '');
  let result = characters.slice(0, start).join('');
  let inCapitals = isCapital.test(characters[start] ?? '');
  let current = upperOf(characters[start] ?? '');
  for (const character of characters.slice(start + 1)) {
    const [isAfter, isBefore] = [isConnector.test(current), isConnector.test(character)];
    const isUpper = isCapital.test(character);
    if (isAfter && !isBefore) {
      inCapitals = isUpper;
      current = upperOf(character);
      continue;
    }
    result += current;
    if (!isAfter) inCapitals &&= isUpper;
    current = inCapitals && !isAfter ? lowerOf(character) : character;
  }
  return result + current;
}

function swapcase(text: string, runtime: Runtime): string {
  spend(runtime, 4 + text.length);
  return Array.from(text, (character) => (isCapital.test(character) ? lowerOf(character) : upperOf(character))).join(
    '',
  );
}

const wordStart = new RegExp(`(?<=^|[${space}])[^${space}]`, 'gu');

/** Names written another way, as Sprig does it. */
export const caseFunctions: FunctionTable = {
  camelcase: fixed(['string'], camelcase),
  snakecase: fixed(['string'], (text, runtime) => separated(text, '_', runtime)),
  kebabcase: fixed(['string'], (text, runtime) => separated(text, '-', runtime)),
  swapcase: fixed(['string'], swapcase),
  untitle: fixed(['string'], (text, runtime) => {
    spend(runtime, 4 + text.length);
    return text.replaceAll(wordStart, lowerOf);
  }),
  initials: fixed(['string'], (text, runtime) => {
    spend(runtime, 4 + text.length);
    return (text.match(wordStart) ?? []).join('');
  }),
};
