import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { FunctionError } from './error.ts';

type Compile = (pattern: string) => RE2JS;

let compile: Compile | undefined;
const compiled = new Map<string, RE2JS>();
const maximumCached = 256;
const maximumPatternCharacters = 4096;

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

function loadCompile(): Compile {
  const library = createRequire(import.meta.url)('re2js') as { readonly RE2JS: { compile: Compile } };
  return (pattern) => library.RE2JS.compile(pattern);
}

/** Whether the expression matches somewhere in the text. */
export function regexMatches(pattern: string, text: string): boolean {
  return compileRegex(pattern).matcher(text).find();
}
