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
