import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { FunctionError } from './error.ts';

type Compile = (pattern: string) => RE2JS;

let compile: Compile | undefined;
const compiled = new Map<string, RE2JS>();
const maximumCached = 256;
const maximumPatternCharacters = 4096;
/** Of the program that an expression becomes: `a{1000}` has a thousand parts. */
const maximumParts = 10_000;
/** Characters of the text times parts of the expression: one match may look at each part for each character. */
const maximumWork = 2_000_000;

/**
 * A regular expression with Go's syntax (RE2: linear time, no look-around, no back references). The library takes about
 * 10 ms to load, so it is loaded when the first expression is compiled. Throws FunctionError.
 */
export function compileRegex(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > maximumPatternCharacters) {
    throw new FunctionError(`the regular expression is longer than ${maximumPatternCharacters} characters`);
  }
  if (mostParts(pattern) > maximumParts) throw new FunctionError('the regular expression repeats too much of itself');
  compile ??= loadCompile();
  let regex: RE2JS;
  try {
    regex = compile(pattern);
  } catch (thrown) {
    throw new FunctionError(thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (compiled.size >= maximumCached) compiled.delete(compiled.keys().next().value ?? '');
  compiled.set(pattern, regex);
  return regex;
}

/** More than the parts that it can become: what stands before a counted repetition, as often as that says. */
function mostParts(pattern: string): number {
  let most = pattern.length;
  for (const { 1: least = '0', 2: limit = '', index } of pattern.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g)) {
    const count = Math.max(Number(least), Number(limit));
    // What is repeated is one part, or a group that may hold all that came before.
    most += count * (pattern[index - 1] === ')' ? most : 1);
  }
  return most;
}

function loadCompile(): Compile {
  const library = createRequire(import.meta.url)('re2js') as { readonly RE2JS: { compile: Compile } };
  return (pattern) => library.RE2JS.compile(pattern);
}

/** Whether a text of so many characters may be matched: true but for the longest texts and expressions. */
export function isBounded(regex: RE2JS, characters: number): boolean {
  return characters * regex.programSize() <= maximumWork;
}

/** The expression, for this text. Throws FunctionError where the text is too long for it. */
export function regexFor(pattern: string, text: string): RE2JS {
  const regex = compileRegex(pattern);
  if (isBounded(regex, text.length)) return regex;
  const most = Math.floor(maximumWork / regex.programSize());
  throw new FunctionError(`the text is longer than ${most} characters, the most for this regular expression`);
}
