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

/** A warning that something is not set: what fails later did not fail for it, or says so itself. */
const unsetKinds: ReadonlySet<FailureKind> = new Set(['missing-setting', 'missing-variable']);

/** What a program does because it ends. */
const cleanUp =
  /\b(?:clos(?:e|es|ing|ed)|stop\w*|clean(?:ing)?[- ]?up|releas\w+|destroy\w*|cancel\w*|unregister\w*|dispos\w+|flush\w*|rolling back)\b/i;

/** What a script says of its next step, without a level. */
const begun = /^(?:now )?(?:start|launch|runn|load|read|open|listen|connect|us|check|wait|apply|prepar)ing\b/i;

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
  if (isAbout(end, record)) return false;
  const kind = failureKind(record.text);
  if (record.level === 'warning' && kind !== null && unsetKinds.has(kind) && end.level !== 'warning') return true;
  const hasWorked = records.slice(place + 1, Math.min(last, place + nearRecords)).some((one) => isWork(one));
  if (record.level === 'warning' && (kind === null || optionalKinds.has(kind)))
    return hasWorked ? saysWhy(end) || failureKind(end.text) !== null : saysWhy(end) && isLast(end);
  return (
    hasWorked &&
    saysWhy(end) &&
    !followsFrom(end, kind) &&
    !records
      .slice(place + 1, Math.min(last + 1, place + nearRecords))
      .some((one) => isAbout(one, record) && !isWork(one))
  );
}

const isLast = ({ ends, level, text }: LogRecord): boolean => ends || level === 'fatal' || /^error: \S/i.test(text);

/** Whether last words are a reason of their own; a mistake of the program in the wake of a failure is none. */
function saysWhy(record: LogRecord): boolean {
  const kind = failureKind(record.text);
  if (kind !== null)
    return kind !== 'program-error' && kind !== 'timeout' && kind !== 'unreachable' && kind !== 'child-killed';
  const said = record.text.replace(/^(?:panic|fatal|error)\w*: /i, '');
  const reason = said.split(': ').at(-1) ?? '';
  const isWrapped = wrapper.test(said) && (wrapper.test(reason) || !/\d|["'`/]/.test(reason));
  return !isWrapped && !isFarewell(record) && said.split(/\s+/).length >= 4;
}

/** Kinds of a connection that does not come about or is refused: what then goes on without it fails for it. */
export const rootKinds: ReadonlySet<FailureKind> = new Set([
  'refused',
  'unresolved',
  'login-refused',
  'denied',
  'certificate',
  'certificate-expired',
  'too-many-connections',
  'missing-database',
]);

/** Whether vague last words can follow from a connection that failed. */
function followsFrom(end: LogRecord, kind: FailureKind | null): boolean {
  return (
    kind !== null &&
    (rootKinds.has(kind) || kind === 'timeout' || kind === 'unreachable') &&
    failureKind(end.text) === null &&
    !/\d|["'`/]/.test(end.text) &&
    /\b(?:connect\w*|database|db|broker|queue|cache|server|upstream|dependenc\w+|network|reach\w*|pool)\b/i.test(
      end.text,
    )
  );
}

/** Where a program says that it stops because of what it said just before, what fails after that does so because it stops. */
export function isAfterStop(records: readonly LogRecord[], place: number): boolean {
  const record = records[place];
  if (record === undefined || isLast(record)) return false;
  const before = records.slice(Math.max(0, place - stopRecords), place);
  const stop = before.findIndex(
    (one) => (one.level === 'info' || one.level === 'debug') && (isFarewell(one) || cleanUp.test(one.text)),
  );
  const failed = before[stop - 1];
  return (
    failed !== undefined &&
    (failed.level === 'error' || failed.level === 'fatal') &&
    !before.slice(stop).some((one) => isWork(one))
  );
}

const stopRecords = 6;
/** Records after a complaint that are looked at. */
const nearRecords = 30;

function isWork(record: LogRecord): boolean {
  return (
    (record.level === 'info' || record.level === 'debug' || (record.level === null && begun.test(record.text))) &&
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

/** Words of what went well again, each with the place where it last did. */
type Recoveries = ReadonlyMap<string, number>;

export function recoveriesOf(records: readonly LogRecord[]): Recoveries {
  return new Map(
    records.flatMap((record, place) =>
      isSuccess(record) && recovery.test(record.text)
        ? [...wordsOf(record.text)].map((word) => [word, place] as const)
        : [],
    ),
  );
}

/** Whether something that went well later is about the same: `redis: pool timeout`, then `redis: connection restored`. */
export function isOvercome({ ends, text }: LogRecord, place: number, recoveries: Recoveries): boolean {
  return !ends && recoveries.size > 0 && [...wordsOf(text)].some((word) => (recoveries.get(word) ?? -1) > place);
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
  if (!cacheSync.test(end.text)) return false;
  const kind = failureKind(text);
  return (
    kind !== null &&
    cacheKinds.has(kind) &&
    (kind === 'missing-definition' || /\b(?:list|watch|reflector)\b/i.test(text))
  );
}
