import { levels, momentOf, unknown } from './line-parts.ts';
import type { LogLevel, LogLine, Moment } from './line-parts.ts';
import { structuredLine } from './structured-line.ts';

/** Characters of a line that are looked at. */
const longestLine = 4000;

/** Takes a line of any common form apart: JSON, logfmt, klog, log4j and its kin, syslog words, plain text. */
export function readLine(raw: string): LogLine {
  const { line, moment } = withoutEnvelope(raw.slice(0, longestLine));
  const read = structuredLine(line) ?? plainLine(line);
  // The time of the envelope has a zone; the program's own may have none.
  return moment.at === null ? read : { ...read, ...moment };
}

/** Without colours, and without what `kubectl logs --timestamps` and the files of the container runtime put before each line. */
function withoutEnvelope(raw: string): { readonly line: string; readonly moment: Moment } {
  const line = raw.replaceAll(colours, '').replace(/\r$/, '').replace(frameOfBox, '');
  const envelope = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d)(?: (?:std(?:out|err) [FP] )?|$)/.exec(
    line,
  )?.[0];
  return envelope === undefined
    ? { line, moment: unknown }
    : { line: line.slice(envelope.length), moment: momentOf(envelope) };
}

/** Terraform draws a box around an error. */
const frameOfBox = /^[│╷╵](?: |$)/;

// oxlint-disable-next-line no-control-regex -- the escape character is the subject
const colours = /\u001b\[[0-9;]{0,20}m/g;

const timePart =
  /^[[(<]?(?:(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d?\/\w{3}\/\d{4}|\d\d\/\d\d\/\d{4}|(?:\w{3} )?\w{3} [ \d]\d(?: \d{4})?)(?:[T:]| {1,2}|, ?))?\d\d?:\d\d:\d\d(?:[.,:]\d+)?(?: [AP]M\b)?(?: ?(?:Z|UTC|GMT|CET|CEST|[+-]\d\d:?\d\d))?(?: \d{4})?[\])>]?(?:[\s:|,-]+|(?=\[)|$)/;

/** `[Nest] 18  - ` before the time. */
const processName = /^\[[A-Z]\w{1,20}\] \d{1,7}\s+- (?=\d)/;

/** A time at the beginning, then words in brackets, names and numbers up to a level, then what is said. */
function plainLine(raw: string): LogLine {
  const line = raw.replace(processName, '');
  const indented = /^\s+\S/.test(line);
  const time = timePart.exec(line);
  const rest = time === null ? line : line.slice(time[0].length);
  const marked = levelMark(rest, time !== null);
  const text = marked === null ? withoutSource(rest, time !== null) : rest.slice(marked.end);
  return {
    ...(time === null ? unknown : momentOf(time[0])),
    level: marked?.level ?? null,
    text: text.trim().replace(/ \((?:[\w$]{1,60}\.){1,8}[\w$]{1,60}\)$|^[\w./-]{1,60}\t+/, ''),
    head: (time !== null || marked !== null) && !indented,
    indented,
  };
}

const words5 = '(?:\\S{1,80}\\s+){0,4}?';
const levelWord =
  'FATAL|CRITICAL|CRIT|EMERG|ALERT|PANIC|SEVERE|ERROR|ERR|EROR|WARNING|WARN|WRN|NOTICE|INFO|INF|LOG|HINT|DETAIL|STATEMENT|DEBUG|DBG|TRACE|VERBOSE';
const inBrackets = new RegExp(`^${words5}[[(<](${levelWord}|Note|System)\\s*[\\])>]:?\\s*`, 'i');
const inCapitals = new RegExp(`^${words5}[|-]?\\s?(${levelWord})(?=[\\s:|\\]-])[\\s:|\\]-]+`);
/** `error\t`, `[1][critical][main] `: behind a time also without capitals. */
const lowerCase =
  /^(?:\[\d{1,7}\]\s?)?\[?(fatal|critical|panic|error|warning|warn|info|debug|trace)(?:\]|\s)\s*(?:\[[\w.:/-]{1,80}\]\s*){0,3}/;
const before = /^(fatal error|fatal|critical|panic|error|err|fail|crit|warning|warn|info|debug|dbug|trce): ?/i;

/** The level of a line and where its words end. */
function levelMark(text: string, timed: boolean): { readonly level: LogLevel; readonly end: number } | null {
  const head = text.slice(0, 160);
  const found =
    before.exec(head) ??
    (timed ? lowerCase.exec(head) : null) ??
    (timed || /^\s*[[(<A-Z]/.test(head) ? (inBrackets.exec(head) ?? inCapitals.exec(head)) : null);
  if (found === null) return null;
  const word = (found[1] ?? '').toLowerCase();
  const level = levels[word.split(' ')[0] ?? ''];
  if (level === undefined) return null;
  // `panic:` and `Error:` are part of what is said.
  const spoken = /^(?:panic|fatal error|error|fatal): ?$/i.test(found[0]) && !timed;
  return { level, end: spoken ? 0 : found[0].length + sourceLength(text.slice(found[0].length)) };
}

/** `1 --- [           main] o.s.b.SpringApplication   : `, `[MY-010123] [Server] `, `(kafka.Kafka$)`: who says it. */
function sourceLength(text: string): number {
  const found =
    /^(?:\d{1,7} --- )?(?:\[[^\]]{0,80}\] ?|<[\d.]{1,20}> ?){0,4}(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d+ )?(?:[a-zA-Z_$.][\w.$[\]/-]{2,80}(?::\d+)?(?:\([\w.]+:\d+\))?\s+[:-](?:\s+(?=\S)|$))?/.exec(
      text,
    );
  return found?.[0].length ?? 0;
}

function withoutSource(text: string, timed: boolean): string {
  return timed ? text.replace(/^(?:\[[^\]]{0,40}\] ){1,4}/, '') : text;
}
