import { isAbandonment } from './abandonment.ts';
import { isAside } from './aside.ts';
import { isGuess } from './guess.ts';
import type { FailureKind } from './known.ts';
import { isFarewell, isNoise, isRetried, speaksOfFailure } from './noise.ts';
import type { LogRecord } from './records.ts';

/** That work was given up for a reason says more than a level, less than a known reason. */
const abandoned = 6;
/** That words of an error number alone stand there. */
const bare = 1;
/** What a program can do without, and what somebody only guesses at. */
const aside = 11;
const guessed = 3;

/** Whether an error is the last of those after which a program stops to try again: it announces one more in vain. */
function isLastTry(records: readonly LogRecord[], place: number): boolean {
  const record = records[place];
  return (
    record?.level === 'error' &&
    isRetried(record) &&
    records.slice(place + 1, place + 4).some(({ text }) => gaveUp.test(text))
  );
}

const gaveUp =
  /\b(?:giving|gave) up\b|\btoo many (?:failures|errors|retries|attempts)\b|\b(?:max\w*|all|no more) (?:retries|attempts)\b|\b(?:retries|attempts) (?:are |were )?exhausted\b/i;

/** How much the record at a place says of why a program ended; 0 for what never counts. */
export function weightOf(records: readonly LogRecord[], place: number, kind: FailureKind | null): number {
  const record = records[place];
  if (record === undefined) return 0;
  if (!isLastTry(records, place) && isNoise(record, kind)) return 0;
  const onPurpose = kind === 'config-changed' || kind === 'leader-lost' || kind === 'dns-loop';
  if (!record.ends && !onPurpose && (record.level === 'info' || record.level === 'debug')) return 0;
  if (!record.ends && record.level === null && kind === null && !isAbandonment(record) && !speaksOfFailure(record))
    return 0;
  if (record.level === 'warning' && kind === null && !speaksOfFailure(record)) return 0;
  if ((record.level === 'error' || record.level === 'fatal') && kind === null && saysNothing(record)) return 0;
  const level = { fatal: 5, error: 3, warning: 1, info: 0, debug: 0 }[record.level ?? 'info'];
  const words = record.level === null ? 2 : level;
  const farewell = isFarewell(record) && !onPurpose ? 3 : 0;
  return Math.max(
    1,
    words +
      (record.ends ? 6 : 0) +
      (kind === null ? 0 : isBare(record.text) ? bare : 9) +
      (onPurpose ? 4 : 0) +
      (namesThing(record.text) ? 2 : 0) +
      (/\S: \S/.test(record.text) ? 1 : 0) +
      (isAbandonment(record) ? abandoned : 0) -
      (isAside(record, kind) ? aside : 0) -
      Math.max(farewell, isGuess(record.text) ? guessed : 0),
  );
}

/** Only the words of an error number: what was not found, refused or full stands beside it, or nowhere. */
const isBare = (text: string): boolean =>
  /^(?:error: )?(?:no such file or directory|permission denied|operation not permitted|connection refused|connection timed out|no space left on device|read-only file system|address already in use|is a directory|not a directory|file exists|invalid argument)\.?$/i.test(
    text.trim(),
  );

/** A level alone is no reason: `ERROR critical=0`. */
function saysNothing(record: LogRecord): boolean {
  return !/\p{L}{3}/u.test(record.text) || (/=\s?0\b/.test(record.text) && !speaksOfFailure(record));
}

/** Whether a text names something beside the class of an exception: in quotes, a path, an address, a variable, a number of an error. */
function namesThing(text: string): boolean {
  const said = text.replace(/^(?:[\w$]{1,100}[.:]{1,2}){1,12}[\w$]{1,100}(?=:|$)/, '');
  return /["'`][^"'`]{2,}["'`]|(?:^|[\s=(])\/[\w.-]+\/[\w./-]+|\b[\w.-]+:\d{2,5}\b|\b[A-Z][A-Z0-9]{0,40}_[A-Z0-9_]{1,60}\b|\bE[A-Z]{4,}\b|\berrno\b|\b\w+\.\w+\.\w+\b/.test(
    said,
  );
}
