import { FunctionError } from '../error.ts';
import { compileRegex, regexMatches } from '../regex.ts';
import { checkCharacters, spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { fixed } from './define.ts';
import type { FunctionTable } from './define.ts';

/** Long text costs steps, so that a loop over matches stays bounded too. */
function charge(text: string, runtime: Runtime): void {
  spend(runtime, 1 + Math.ceil(text.length / 100));
}

type Matcher = ReturnType<ReturnType<typeof compileRegex>['matcher']>;

/** Go's Regexp.ReplaceAllString: `$1`, `$name`, `${name}` and `$$` in the replacement. */
function replaceAll(pattern: string, text: string, replacement: string, runtime: Runtime): string {
  charge(text, runtime);
  const matcher = compileRegex(pattern).matcher(text);
  let result = '';
  let copied = 0;
  while (matcher.find()) {
    spend(runtime);
    const [start, end] = [matcher.start(0), matcher.end(0)];
    result += text.slice(copied, start);
    // As in Go, an empty match directly behind the previous match is none.
    if (end > copied || start === 0) result += expand(replacement, matcher);
    copied = end;
    checkCharacters(runtime, result.length);
  }
  return result + text.slice(copied);
}

function expand(replacement: string, matcher: Matcher): string {
  return replacement.replaceAll(/\$(?:\$|\{(\w+)\}|([\p{L}\p{Nd}_]+))/gu, (_all, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    return name === undefined ? '$' : groupText(name, matcher);
  });
}

/** A group by number or name; '' where there is none. */
function groupText(name: string, matcher: Matcher): string {
  if (/^\d+$/.test(name)) return Number(name) > matcher.groupCount() ? '' : (matcher.group(Number(name)) ?? '');
  const names = Object.keys(matcher.getNamedGroups());
  return names.includes(name) ? (matcher.group(name) ?? '') : '';
}

function find(pattern: string, text: string, runtime: Runtime): string {
  charge(text, runtime);
  const matcher = compileRegex(pattern).matcher(text);
  return matcher.find() ? (matcher.group() ?? '') : '';
}

/** Sprig's regexMatch takes a pattern that does not compile for one that never matches. */
function matchesOrFalse(pattern: string, text: string, runtime: Runtime): boolean {
  charge(text, runtime);
  try {
    return regexMatches(pattern, text);
  } catch (thrown) {
    if (thrown instanceof FunctionError) return false;
    throw thrown;
  }
}

/** Regular expressions, as Alertmanager and Sprig have them. */
export const regexFunctions: FunctionTable = {
  match: fixed(['string', 'string'], (pattern, text, runtime) => {
    charge(text, runtime);
    return regexMatches(pattern, text);
  }),
  reReplaceAll: fixed(['string', 'string', 'string'], (pattern, replacement, text, runtime) =>
    replaceAll(pattern, text, replacement, runtime),
  ),
  regexMatch: fixed(['string', 'string'], matchesOrFalse),
  regexFind: fixed(['string', 'string'], find),
  regexReplaceAll: fixed(['string', 'string', 'string'], (pattern, text, replacement, runtime) =>
    replaceAll(pattern, text, replacement, runtime),
  ),
};
