import { failureKind } from './kinds.ts';
import type { FailureKind } from './known.ts';
import { isFarewell, isRetried, isSuccess, speaksOfFailure } from './noise.ts';
import type { LogRecord } from './records.ts';

/** Kinds that many an optional part names: a warning of one does not end a program. */
const optionalKinds: ReadonlySet<FailureKind> = new Set([
  'missing-file',
  'missing-setting',
  'missing-variable',
  'broken-config',
  'unknown-option',
]);

/** What a program does because it ends. */
const cleanUp =
  /\b(?:clos(?:e|es|ing|ed)|stop\w*|clean(?:ing)?[- ]?up|releas\w+|destroy\w*|cancel\w*|unregister\w*|dispos\w+|flush\w*|rolling back)\b/i;

/** A last line that says that the start failed, not why. */
const wrapper =
  /\b(?:start(?:ing|up|ed)?|init\w*|boot\w*|launch\w*|run failed|bean|context|exit\w*|abort\w*|giving up|gave up|shut\w*|worker|child|task|thread|command|script|process|hook)\b/i;

/**
 * Whether a program lived on after what it said at one place, so that its last words at another place are of something else:
 * it went on with its work in between. What the last words repeat, or name again, they are about.
 */
export function isOutlived(records: readonly LogRecord[], place: number, last: number): boolean {
  const record = records[place];
  const end = records[last];
  if (record === undefined || end === undefined || place >= last || record.ends || record.level === 'fatal')
    return false;
  if (!saysWhy(end) || isAbout(end, record)) return false;
  const kind = failureKind(record.text);
  const between = records.slice(place + 1, last);
  if (record.level === 'warning' && (kind === null || optionalKinds.has(kind)) && isLast(end)) return true;
  return (
    between.some((one) => isWork(one)) &&
    !records.slice(place + 1, last + 1).some((one) => isAbout(one, record) && !isWork(one))
  );
}

const isLast = ({ ends, level, text }: LogRecord): boolean => ends || level === 'fatal' || /^error: \S/i.test(text);

/** Whether last words are a reason of their own; a mistake of the program in the wake of a failure is none. */
function saysWhy(record: LogRecord): boolean {
  const kind = failureKind(record.text);
  if (kind !== null)
    return kind !== 'program-error' && kind !== 'timeout' && kind !== 'unreachable' && kind !== 'child-killed';
  const said = record.text.replace(/^(?:panic|fatal|error)\w*: /i, '');
  return !wrapper.test(said) && !isFarewell(record) && said.split(/\s+/).length >= 4;
}

function isWork(record: LogRecord): boolean {
  return (
    (record.level === 'info' || record.level === 'debug') &&
    !isFarewell(record) &&
    !isRetried(record) &&
    !cleanUp.test(record.text) &&
    !speaksOfFailure(record)
  );
}

/** Whether a later record speaks of the same: the words at the end of the first, a thing that both name, or most of its words. */
function isAbout(later: LogRecord, { text }: LogRecord): boolean {
  if (isEcho(later, text)) return true;
  const words = wordsOf(later.text);
  const shared = [...wordsOf(text)].filter((word) => words.has(word));
  return shared.some((word) => /[./:\d]/.test(word)) || shared.length >= 3;
}

/** Whether a record repeats what another one ends with. */
export function isEcho(later: LogRecord, text: string): boolean {
  const end = text.split(/: /).at(-1)?.trim() ?? '';
  return end.length >= 20 && later.text !== text && later.lines.some((line) => line.includes(end));
}

const wordsOf = (text: string): ReadonlySet<string> =>
  new Set(
    text
      .toLowerCase()
      .match(/[a-z_][\w./:-]{2,}\w|[\w-]+\.[\w.-]+:\d+/g)
      ?.filter((word) => !common.test(word)) ?? [],
  );
const common =
  /^(?:error|failed|cannot|could|unable|exception|fatal|panic|warning|invalid|missing|required|during|while|because|loading|reading|opening|connection|connect|failure)$/;

/** Whether something that went well later is about the same: `redis: pool timeout`, then `redis: connection restored`. */
export function isOvercome(records: readonly LogRecord[], place: number): boolean {
  const record = records[place];
  if (record === undefined || record.ends) return false;
  const words = wordsOf(record.text);
  return records
    .slice(place + 1)
    .some(
      (later) =>
        isSuccess(later) && recovery.test(later.text) && [...wordsOf(later.text)].some((word) => words.has(word)),
    );
}

const recovery =
  /\b(?:connected|reconnected|restored|recovered|established|re-?established|succe(?:eded|ss|ssful(?:ly)?)|healthy|resolved|back (?:up|online|to normal))\b/i;

/** What an operator gives up on because its caches were never filled; why not, it said before. */
const cacheSync = /\b(?:caches?|informers?)\b.{0,60}\bsync|\bsync\w*\b.{0,60}\b(?:caches?|informers?)\b/i;
const cacheKinds: ReadonlySet<FailureKind> = new Set([
  'forbidden',
  'missing-definition',
  'login-refused',
  'certificate',
  'certificate-expired',
  'unresolved',
  'refused',
]);

/** Whether one record is why the caches of another could not be filled. */
export function emptiesCaches({ text }: LogRecord, end: LogRecord): boolean {
  const kind = failureKind(text);
  return (
    kind !== null && cacheKinds.has(kind) && /\b(?:list|watch|reflector)\b/i.test(text) && cacheSync.test(end.text)
  );
}
