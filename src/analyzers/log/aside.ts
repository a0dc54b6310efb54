import type { FailureKind } from './known.ts';
import type { LogRecord } from './records.ts';

/** What a tool says when it gives its work up for a reason; that it stops for errors which it named before is none. */
const abandons =
  /\b(?:abort(?:ing)?|giving up|gave up|bailing out|(?:can ?not|can't|unable to|refus(?:es|ed|ing) to) (?:continue|proceed))\b(?:,? because\b|,? due to (?!(?:\S+ )?(?:previous|earlier)\b)|,? since\b|: (?=\S+ \S))/i;

/** What may go wrong for want of what was to come of work that was given up. */
const wantKinds: ReadonlySet<FailureKind | null> = new Set([
  null,
  'missing-file',
  'missing-database',
  'broken-config',
  'program-error',
  'damaged-data',
]);

/** Records after work was given up that a script may need to end too. */
const wake = 15;

export function isAbandonment({ text, level }: LogRecord): boolean {
  return level !== 'info' && level !== 'debug' && abandons.test(text);
}

/** Whether a record only tells that the result of work is missing which had been given up shortly before. */
export function followsAbandonment(records: readonly LogRecord[], place: number, kind: FailureKind | null): boolean {
  const record = records[place];
  return (
    record !== undefined &&
    !record.ends &&
    record.level !== 'fatal' &&
    wantKinds.has(kind) &&
    !isAbandonment(record) &&
    records.slice(Math.max(0, place - wake), place).some((one) => isAbandonment(one))
  );
}

/** Tools that only take, move or send files, and a shell that reads one. */
const fileTool =
  /^(?:\d{1,7}: )?(?:\/\S{1,60}\/)?(?:(?:cp|mv|rm|ls|cat|tar|gzip|gunzip|bzip2|xz|zstd|zip|stat|chmod|du|wc|head|tail|sha\d+sum|md5sum|mc|aws|s3cmd|rclone|gsutil|upload\w*)\b(?: failed)?:|\S{1,60}: line \d{1,5}: [^\s:]+: No such file)/i;
/** Records between the failure of a tool and what a script does next. */
const nextSteps = 3;

/** Whether a tool for files only misses what another tool, which failed just before, should have left. */
export function missesResult(records: readonly LogRecord[], place: number, kind: FailureKind | null): boolean {
  const record = records[place];
  if (record === undefined || record.ends || kind !== 'missing-file' || !fileTool.test(record.text)) return false;
  const before = records.slice(Math.max(0, place - nextSteps), place);
  return before.some((one) => !fileTool.test(one.text) && toolFailed.test(one.text));
}

const toolFailed =
  /^(?:\d{1,7}: )?(?:fatal|error): \S|^(?:\d{1,7}: )?[\w./-]{2,60}(?: error)?: (?:\[?(?:fatal|error)\b|failed\b|cannot\b|can't\b|could not\b|unable\b|unexplained\b|\(\d+\) )/i;
const speaker = /^(?:\d{1,7}: )?[\w./-]{2,60}(?=: )/;

/** What the same tool said just before it gave up, or just after: the versions, numbers or names for which it did. */
export function besideAbandonment(records: readonly LogRecord[], place: number): readonly [string, string] {
  const name = speaker.exec(records[place]?.text ?? '')?.[0];
  const said = (one: LogRecord | undefined): string =>
    name !== undefined && one !== undefined && one.text.startsWith(`${name}: `) && !isAbandonment(one) ? one.text : '';
  const before = said(records[place - 1]);
  return [before, before === '' ? said(records[place + 1]) : ''];
}

const adverb =
  'mostly|most likely|most probably|usually|probably|likely|possibly|perhaps|maybe|often|commonly|typically|generally';
/** To the end of a sentence: the points in names and addresses do not end it. */
const rest = '(?:[^.]|\\.(?=\\S)){0,300}';
const guesses = new RegExp(
  [
    `(?:\\b(?:this|that|it|which) )?(?:\\b(?:is|was|may be|might be|can be|could be) )?\\b(?:${adverb}) (?:is |was |be )?(?:caused by|due to|because|the (?:cause|reason))\\b${rest}`,
    `\\b(?:may|might|could|can) (?:also )?be (?:caused by|due to|because)\\b${rest}`,
  ].join('|'),
  'gi',
);
const questions = /\b(?:is|are|was|were) (?:the|your)\b[^?]{1,160}\?/gi;

/** A text without what it guesses at or asks: `This is usually caused by ...`, `Is the server running?`. */
export const withoutGuess = (text: string): string => text.replace(guesses, ' ').replace(questions, ' ');

/** Whether a text guesses at a reason, which whoever wrote it did not know. */
export const isGuess = (text: string): boolean => text.replace(guesses, ' ') !== text;

const asideKinds: ReadonlySet<FailureKind | null> = new Set([null, 'permission', 'missing-file', 'read-only']);
const cache =
  /\b(?:open|creat|writ|read|load|sav|initiali[sz]|updat|access|us|stor|persist|mkdir)\w*\b(?: (?:to|from|in|the|a|an|its|local|on-disk|\w{1,20})){0,3} (?:cache|history)\b/i;
const cachePlace =
  /(?:^|[/'"\s])\.cache\/|\bcache (?:director(?:y|ies)\b|has been disabled|could not be (?:used|opened))/i;
const terminal =
  /\bsetlocale\b|\b(?:change|set|setting) locale\b|cannot find name for (?:user|group) ID|inappropriate ioctl for device|no job control in this shell|\bTERM environment variable not set|^tput: /i;
/**
 * Advice of the JVM's databases on speed. Other words of locked memory and jemalloc end a program: Vault without mlock,
 * jemalloc on pages of another size.
 */
const memoryAdvice = /\bunable to lock JVM memory\b|\bjemalloc shared library could not be preloaded\b/i;

/** Whether a record tells of a part that a program can do without: a cache on disk, a history, the locale, a terminal, faster memory. */
export function isAside({ text, ends, level }: LogRecord, kind: FailureKind | null): boolean {
  return (
    !ends &&
    level !== 'fatal' &&
    (terminal.test(text) ||
      memoryAdvice.test(text) ||
      (asideKinds.has(kind) && (cache.test(text) || cachePlace.test(text))))
  );
}
