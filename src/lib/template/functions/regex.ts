import { FunctionError } from '../error.ts';
import { regexFor } from '../regex.ts';
import { checkCharacters, checkMembers, spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { nilList } from '../values.ts';
import { fixed, withMust } from './define.ts';
import type { FunctionTable } from './define.ts';

type Matcher = ReturnType<ReturnType<typeof regexFor>['matcher']>;

const shortText = 4096;
/** How often the processor time is asked for, which takes longer than a short search. */
const lookEveryMs = 2;

/**
 * Charges the processor time of searches from now on; called behind each, with true behind the last. How far a search looks
 * ahead cannot be known before, and one that begins again behind each match may look at the rest of the text each time.
 */
function meter(runtime: Runtime): (isLast: boolean) => void {
  const limitMs = runtime.regexMsLeft;
  const begun = process.threadCpuUsage();
  let lookedMs = performance.now();
  return (isLast) => {
    const nowMs = performance.now();
    if (!isLast && nowMs - lookedMs < lookEveryMs) return;
    lookedMs = nowMs;
    const { user, system } = process.threadCpuUsage(begun);
    runtime.regexMsLeft = limitMs - (user + system) / 1000;
    if (runtime.regexMsLeft < 0)
      throw new FunctionError(`the regular expressions take more than ${runtime.limits.regexMs} ms`);
  };
}

/** Every match in turn; as in Go, an empty match directly behind the previous match is none. */
function* matches(pattern: string, text: string, runtime: Runtime): Generator<Matcher, void> {
  spend(runtime, 8 + (text.length >>> 4));
  const matcher = regexFor(pattern, text).matcher(text);
  const charge = meter(runtime);
  // A few searches in short text take less than a look at the clock.
  const unlooked = text.length > shortText ? 0 : 15;
  let previousEnd = -1;
  for (let count = 0; matcher.find(); count += 1) {
    if ((count & unlooked) === 0) charge(false);
    spend(runtime, 8);
    const end = matcher.end(0);
    if (end > matcher.start(0) || end !== previousEnd) yield matcher;
    previousEnd = end;
  }
  charge(true);
}

/** Go's Regexp.ReplaceAllString: `$1`, `$name`, `${name}` and `$$` in the replacement; literally, as it is. */
function replaceAll(pattern: string, text: string, replacement: string, runtime: Runtime, isLiteral = false): string {
  let result = '';
  let copied = 0;
  for (const matcher of matches(pattern, text, runtime)) {
    result += text.slice(copied, matcher.start(0)) + (isLiteral ? replacement : expand(replacement, matcher));
    copied = matcher.end(0);
    checkCharacters(runtime, result.length);
  }
  return result + text.slice(copied);
}

/** The first `count` matches, all where it is negative; Go has a nil list where there is none. */
function findAll(pattern: string, text: string, count: number, runtime: Runtime): readonly string[] {
  if (count === 0) return nilList as readonly string[];
  const found: string[] = [];
  for (const matcher of matches(pattern, text, runtime)) {
    found.push(matcher.group() ?? '');
    checkMembers(runtime, found.length);
    if (found.length === count) break;
  }
  return found.length === 0 ? (nilList as readonly string[]) : found;
}

/** Go's Regexp.Split: at most `count` parts, all where it is negative. */
function split(pattern: string, text: string, count: number, runtime: Runtime): readonly string[] {
  if (count === 0) return nilList as readonly string[];
  if (pattern !== '' && text === '') return [''];
  const parts: string[] = [];
  let begun = 0;
  let end = 0;
  for (const matcher of matches(pattern, text, runtime)) {
    if (count > 0 && parts.length === count - 1) break;
    end = matcher.start(0);
    // An empty match at the very beginning parts nothing.
    if (matcher.end(0) !== 0) parts.push(text.slice(begun, end));
    begun = matcher.end(0);
    checkMembers(runtime, parts.length);
  }
  if (end !== text.length) parts.push(text.slice(begun));
  return parts;
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
  spend(runtime, 8 + (text.length >>> 4));
  const matcher = regexFor(pattern, text).matcher(text);
  const charge = meter(runtime);
  const found = matcher.find() ? (matcher.group() ?? '') : '';
  charge(true);
  return found;
}

function match(pattern: string, text: string, runtime: Runtime): boolean {
  spend(runtime, 8 + (text.length >>> 4));
  const regex = regexFor(pattern, text);
  const charge = meter(runtime);
  const isFound = regex.test(text);
  charge(true);
  return isFound;
}

/** Sprig's regexMatch takes a pattern that does not compile for one that never matches. */
function matchesOrFalse(pattern: string, text: string, runtime: Runtime): boolean {
  try {
    regexFor(pattern, '');
  } catch (thrown) {
    if (thrown instanceof FunctionError) return false;
    throw thrown;
  }
  return match(pattern, text, runtime);
}

/** Regular expressions, as Alertmanager and Sprig have them. */
export const regexFunctions: FunctionTable = {
  match: fixed(['string', 'string'], match),
  reReplaceAll: fixed(['string', 'string', 'string'], (pattern, replacement, text, runtime) =>
    replaceAll(pattern, text, replacement, runtime),
  ),
  regexMatch: fixed(['string', 'string'], matchesOrFalse),
  mustRegexMatch: fixed(['string', 'string'], match),
  regexQuoteMeta: fixed(['string'], (text) => text.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
  ...withMust({
    regexFind: fixed(['string', 'string'], find),
    regexFindAll: fixed(['string', 'string', 'int'], findAll),
    regexSplit: fixed(['string', 'string', 'int'], split),
    regexReplaceAll: fixed(['string', 'string', 'string'], (pattern, text, replacement, runtime) =>
      replaceAll(pattern, text, replacement, runtime),
    ),
    regexReplaceAllLiteral: fixed(['string', 'string', 'string'], (pattern, text, replacement, runtime) =>
      replaceAll(pattern, text, replacement, runtime, true),
    ),
  }),
};
