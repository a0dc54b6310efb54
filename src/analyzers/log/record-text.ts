import { chainOf, withPeer } from './chain.ts';
import { scriptPlace } from './source-place.ts';

/** `java.lang.IllegalStateException: ...`, `psycopg2.OperationalError: ...`, `TypeError [ERR_X]: ...` */
export const headline =
  /^(?:Uncaught |Exception in thread "[^"]{0,100}" |Unhandled exception[.:] )?(?:[A-Za-z_$][\w$]{0,100}[.:]{1,2}){0,12}[A-Z_$][\w$]{0,100}(?:Error|Exception|Throwable|Warning|Failure|Exit|Interrupt|Fault|Timeout)(?:\$[A-Z]\w{0,60})?(?: \[\w{1,60}\])?(?::|$)/;

/** PostgreSQL says on a line of its own what its error is about: `DETAIL:  The data directory was initialized by ...`. */
export const isDetail = (raw: string): boolean => /(?:^|\s)DETAIL: {1,3}\S/.test(raw.slice(0, 200));

const ending =
  /^(?:panic: |fatal error: |Exception in thread "main"|Unhandled exception|Uncaught |thread '.{0,80}' (?:\(\d+\) )?panicked|APPLICATION FAILED TO START|terminate called|\*\* \(\w|Traceback \(most recent call last\):|Segmentation fault|PHP Fatal error|.{0,60}UnhandledPromiseRejection|error: Uncaught)|Application run failed|Error starting ApplicationContext|due to (?:a )?fatal exception|Fatal error during .{0,60}startup|Unhandled 'error' event|Bootstrap process died|panicked at|^Application \S{1,80} exited: /;

/** Whether a program ends with what these lines say. */
export function endsWith(texts: readonly string[]): boolean {
  const [first = ''] = texts;
  if (/^http: panic serving|Recovered|recovered from panic/i.test(first)) return false;
  if (ending.test(first)) return true;
  // A bare exception with its frames: whoever logs one that was caught writes a time or a level before it.
  return (headline.test(first) || scriptPlace.test(first) || rubyError.test(first)) && texts.length > 1;
}

const rubyError = /^\S{1,200}\.rb:\d+:in .{0,120}?: (.{1,1000}) \(([A-Z]\w*(?:::\w+)*)\)$/;

/** What several lines come down to; empty where the first says it. */
export function coreOf(texts: readonly string[], raised: readonly string[], raws: readonly string[]): string {
  const [first = ''] = texts;
  const detail = detailOf(first, texts, raws);
  if (detail !== null) return detail;
  const ruby = rubyError.exec(first);
  if (ruby !== null) return `${ruby[2]}: ${ruby[1]}`;
  if (texts.length === 1) return '';
  return (
    springReport(texts) ??
    fieldsOf(texts) ??
    rustPanic(texts) ??
    goPanic(texts) ??
    innermost(texts, raised) ??
    spoken(texts)
  );
}

/** The words of an error with its `DETAIL:` line; null where it has none. */
function detailOf(first: string, texts: readonly string[], raws: readonly string[]): string | null {
  const index = raws.findIndex((raw, place) => place > 0 && isDetail(raw));
  return index < 0 ? null : `${first} (${texts[index]})`;
}

/** Description and reason of `APPLICATION FAILED TO START`. */
function springReport(texts: readonly string[]): string | null {
  const start = texts.indexOf('Description:');
  if (start < 0) return null;
  return texts
    .slice(start + 1)
    .filter((text) => text !== '' && !/^\*+$/.test(text))
    .slice(0, 4)
    .join(' ');
}

/** Python's pydantic names each field on lines of its own. */
export const invalidFields = /\b\d{1,4} validation errors? for [\w.[\], -]{1,100}$/;

function fieldsOf(texts: readonly string[]): string | null {
  const index = texts.findIndex((text) => invalidFields.test(text));
  const fields = texts.slice(index + 1).filter((text) => text !== '' && !text.startsWith('For further information'));
  return index < 0 || fields.length === 0 ? null : `${texts[index]}: ${fields.slice(0, 6).join(' ')}`;
}

function rustPanic(texts: readonly string[]): string | null {
  const index = texts.findIndex((text) => /^thread '.{0,80}' (?:\(\d+\) )?panicked at /.test(text));
  if (index < 0) return null;
  const where = /panicked at (.{1,300}):$/.exec(texts[index] ?? '')?.[1];
  const said = texts[index + 1];
  return where === undefined || said === undefined ? (texts[index] ?? null) : `${said} (panicked at ${where})`;
}

/** The panic with the first frame that is the program's own. */
function goPanic(texts: readonly string[]): string | null {
  const index = texts.findIndex((text) => /^(?:panic|fatal error): /.test(text));
  if (index < 0) return null;
  const frames = texts.slice(index + 1);
  const own = frames.findIndex(
    (text, place) =>
      /^\/\S+\.go:\d+/.test(frames[place + 1] ?? '') &&
      !/^(?:panic|runtime|testing|syscall|reflect|log|os|net|sync)[./(]/.test(text) &&
      !/\/(?:go|golang)\/src\/(?:runtime|log)\//.test(frames[place + 1] ?? ''),
  );
  const place = /^(\/\S+\.go:\d+)/.exec(frames[own + 1] ?? '')?.[1];
  const said = texts[index] ?? '';
  return own < 0 || place === undefined
    ? said
    : `${said} (in ${(frames[own] ?? '').replace(/\((?!\*).*$/s, '')}, ${place})`;
}

/** `Error: getaddrinfo ENOTFOUND db`, an error of a script that names no class of its own. */
const plainError = /^Error(?: \[\w{1,60}\])?: \S/;

const scriptFrame = /^at .{1,300}(?:\.[cm]?[jt]s|node:[\w/]{1,60}):\d+:\d+\)?(?: \{)?$/;

/** Of a chain of exceptions the one that says why, with the address that an outer one names. */
function innermost(texts: readonly string[], raised: readonly string[]): string | null {
  const named = chainOf(texts, (text) => headline.test(text) || raised.includes(text));
  const isScript = texts.some((text) => scriptFrame.test(text));
  const chain = named ?? (isScript ? chainOf(texts, (text) => plainError.test(text)) : null);
  return chain === null ? null : withPeer(withCode(spelledOut(chain, texts), texts), texts);
}

/** What an exception brings along as a list over several lines: `ZodError: [`. */
function spelledOut(head: string, texts: readonly string[]): string {
  const start = texts.indexOf(head);
  if (start < 0 || !/[[{]$/.test(head)) return head;
  const below = texts.slice(start + 1, start + 40);
  const end = below.findIndex((text) => /^at \S/.test(text));
  return [head, ...(end < 0 ? below : below.slice(0, end))].join(' ');
}

/** A Node error says more in its fields: `code: 'ECONNREFUSED', address: '10.0.0.1', port: 5432`. */
function withCode(head: string, texts: readonly string[]): string {
  const code = texts.map((text) => /^code: '(E[A-Z_]+)'/.exec(text)?.[1]).find((one) => one !== undefined);
  return code === undefined || head.includes(code) ? head : `${head} (${code})`;
}

/** `what():  ...` of C++, and a first line that ends with a colon. */
function spoken(texts: readonly string[]): string {
  const what = texts.map((text) => /^what\(\): +(.+)$/.exec(text)?.[1]).find((one) => one !== undefined);
  if (what !== undefined) return what;
  const [first = '', second = ''] = texts;
  return /:$|^\w[\w.]*\[\d+\]$|^(?:[\w ]{0,30}(?:error|failed|fail))?$/i.test(first) ? `${first} ${second}`.trim() : '';
}
