import { isQuotable } from '../reading/quote.ts';
import type { FailureKind } from './known.ts';
import type { LogRecord } from './records.ts';

/** Words of a failure, where no level says that it is one. */
const bad =
  /\b(?:fatal|panic|panicked|uncaught|unhandled|error|err|exception|fail(?:ed|s|ure|ing)?|cannot|could not|couldn't|can't|unable|refused|denied|timed? ?out|not found|no such|missing|invalid|giving up|gave up|aborted|aborting|not set|required|forbidden|unauthorized|rejected|illegal|unknown|unexpected|corrupt(?:ed)?|incompatible|killed)\b|(?:Error|Exception)\b/i;

/** `critical=0`, `0 errors`, `error=null`, `without errors`: counts and values that say that nothing is wrong. */
const harmlessCounts =
  /\b(?:critical|fatal|errors?|err|failed|failures?|failing|warnings?|exceptions?|missing|invalid|rejected|unknown|skipped|dropped|timeouts?)["']?\s{0,3}[=:]\s{0,3}["']?(?:0|nil|null|none|<nil>|false|ok|\[\]|\{\})(?![\w.])["']?|\b(?:0|no|zero|without(?: any)?) (?:critical |fatal )?(?:errors?|failures?|failed|warnings?|exceptions?|problems?|issues)\b|\b(?:if|when|on|in case of|unless)(?: an?| any)? (?:errors?|failures?|exceptions?)\b|\berrors?[-_ ]?(?:handler|page|log|reporting|level|rate|budget|channel|codes?)\b/gi;

const dismissed =
  /\(ignored\)|\bignor(?:ed|ing)\b|\bnon-?fatal\b|\bharmless\b|\bcan be (?:safely )?ignored\b|\bnot (?:an?|a real) (?:error|problem)\b|\bcontinuing (?:without|anyway)\b|\bfalling back\b|\bfallback\b.{0,40}\b(?:used|enabled)\b|\busing (?:the )?(?:built-?in |in-memory )?defaults?\b|\bskipp(?:ing|ed)\b|\btrying (?:direct|another|the next|next|instead)\b|\bdeprecat|\bdefaulting to\b|\b(?:not set|unset|not configured|not specified|missing|undefined)\b[,;.:]? {1,3}(?:so )?(?:using|assuming|will use|skipping)\b|\b(?:running|continuing|proceeding|starting|operating|working) without\b|\b(?:features?|support|integration|cache|caching|tracing|metrics|reporting|lookups?|telemetry|monitoring|analytics|exporter|collector|notifications?|plugin|module)\b.{0,20}\b(?:is|are|was|were|will be) (?:now )?(?:disabled|off|skipped|unavailable)\b|\bdisabling (?:the )?\w+(?: \w+)?\.?$|\ball \w+ are (?:off|disabled)\b|\b(?:unavailable|unreachable|not reachable)[,;] (?:using|defaulting|assuming|all)\b|^optional\b|\boptional\b.{0,60}\b(?:missing|not found|failed|unavailable|skipped)\b/i;

/** Texts of help: flags with what they mean, and their headings. */
const help =
  /^\s*-{1,2}[a-zA-Z][\w-]*(?:[ ,=\t[<]|$)|^(?:usage|options|flags|global (?:flags|options)|available commands|commands|arguments|examples?|positional arguments|optional arguments)\b.{0,80}:?|^(?:try|run|use|see) ['"`].{0,100}(?:--help|-h\b)|\bfor more (?:information|help|details)\b|\(default[ :=]/i;

/** Answers to clients, which say nothing of the server's own end. */
const answers =
  /"?\b(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT)\b \/?\S{0,500}(?: HTTP\/[\d.]+)?"? (?:[1-5]\d\d|-)\b|\bstatus(?:_?code)?["']?[=:] ?["']?[1-5]\d\d\b.{0,200}\b(?:path|uri|url|method|latency|duration)\b|\b(?:path|uri|method)["']?[=:].{0,200}\bstatus(?:_?code)?["']?[=:] ?[1-5]\d\d\b/;
const serverAnswers =
  /^(?:FATAL:\s{1,3})?(?:the database system is (?:starting up|shutting down|in recovery|not yet accepting)|(?:password|peer|ident|md5|scram\S*) authentication failed for user|sorry, too many clients|remaining connection slots|terminating (?:connection|walreceiver|autovacuum|background)|canceling statement|no pg_hba\.conf entry|role "[^"]+" does not exist|database "[^"]+" does not exist|connection to client lost|unsupported frontend protocol|invalid length of startup packet)/i;
const clients =
  /\bclients?\b.{0,80}\b(?:closed|disconnect\w*|gone|reset|abort\w*|hung up|cancel+ed|went away|timed out)\b|\b(?:broken pipe|EPIPE|connection reset by peer|ClientAbortException)\b|could not (?:receive data from|send data to) client|unexpected EOF on client|\bTLS handshake error from\b|context canceled|Got an error reading communication packets|Aborted connection|http: panic serving|request (?:was )?(?:aborted|cancel+ed)|Client closed connection/i;

/** What a process says when it is asked to stop, and what it says because it stops. */
const farewell =
  /\bshut(?:ting)? ?down\b|\b(?:received|caught|got|handling) (?:an? )?(?:signal|SIG\w+|terminat\w+|interrupt)|\bgraceful(?:ly)?\b|\bserver (?:was )?(?:closed|stopped)\b|\buse of closed network connection\b|\blisteners? (?:was |is )?closed\b|\bdrain(?:ing|ed)\b|\bstopp(?:ing|ed)\b|^exiting\b|\bexit(?:ing|ed)?\b(?: with| now|\.|$)|\bterminat(?:ing|ed)\b|\bbye\b|\bgoodbye\b|check (?:server |the )?logs?\b|see (?:above|the log)|\bsee logs?\b|^(?:npm ERR!|error Command failed with exit code|make: \*\*\*|Node\.js v\d)|\bELIFECYCLE\b|\blifecycle script\b|A complete log of this run|Worker failed to boot|Shutting down: Master|could not be started\.?$|^exit status \d/i;

const retried =
  /\bretry\w*\b|\bretries\b|\battempts? \d|\b(?:will )?try(?:ing)? again\b|\breconnect\w*\b|\bback(?:ing)?[- ]?off\b|\bwaiting (?:for|until)\b|\bnot (?:yet )?ready\b/i;
const success =
  /\b(?:connected|established|succe(?:eded|ss|ssful(?:ly)?)|recovered|acquired|reconnected)\b|\b(?:listening|started|ready|serving|running|up and running|accept connections|accepting connections)\b/i;
const denied =
  /\b(?:not|no|never|fail\w*|un(?:able|successful\w*)|cannot|could not|error|disconnected|waiting|before|until|retry\w*)\b/i;

/** The words of a record without what only looks like a failure. */
const meant = (text: string): string => text.replace(harmlessCounts, ' ');

/** The path of a request alone: `/-/health/ready/` is asked for, not told. */
const requested = /^\/\S*$/;

/** Whether a record says that something went well which had failed: a connection, a start. */
export function isSuccess({ text, level }: LogRecord): boolean {
  return (
    (level === null || level === 'info' || level === 'debug') &&
    success.test(text) &&
    !denied.test(text) &&
    !requested.test(text)
  );
}

export function isRetried({ text, lines }: LogRecord): boolean {
  return retried.test(text) || (lines.length > 1 && retried.test(lines[0] ?? ''));
}

/** That a start failed, and not why. */
const bareFailure =
  /^(?:\(\w+\) |\w[\w./-]{0,40}: |error: ){0,3}(?:failed|unable|could not|cannot|error|failure) (?:to |while |during |in )?(?:start\w*|initiali[sz]\w*|boot\w*|launch\w*|run(?:ning)?|load command)\b[^:]*(?:: [\w-]{1,40}(?: \([^)]{0,80}\))?)?\.?$/i;

/** What a process says because it ends, whatever it ended for. */
export function isFarewell({ text }: LogRecord): boolean {
  return farewell.test(text) || (!text.includes('"') && bareFailure.test(text));
}

/** Whether a record is a line of an access log, or a server's answer. */
export function isAnswer({ text, ends, lines }: LogRecord): boolean {
  return !ends && answers.test(lines[0] ?? text);
}

/** A command that is shown before it runs: the trace of a shell, a line of many options. */
function isCommand(text: string): boolean {
  return /^\+{1,4} \S/.test(text) || (text.match(/(?:^|\s)-{1,2}[A-Za-z]/g)?.length ?? 0) >= 4;
}

/** What an Erlang crash report says of the process, beside its reason. */
const erlangReport =
  /^(?:crasher|initial call|pid|registered_name|ancestors|message_queue_len|messages|links|dictionary|trap_exit|status|heap_size|stack_size|reductions|neighbours|supervisor|error_?context|offender|started|id|mfargs|restart_type|significant|shutdown|child_type)\s?:(?: |$)/i;

/** Whether a record never says why a program ended. */
export function isNoise({ text, ends }: LogRecord, kind: FailureKind | null): boolean {
  if (ends) return false;
  if (isCommand(text)) return true;
  if (erlangReport.test(text.replace(/^<[\d.]{1,20}>\s+/, ''))) return true;
  if (dismissed.test(text) || clients.test(text) || serverAnswers.test(text)) return true;
  if (help.test(text) && !/\berror:|^error\b|\brequired\b|\bunknown\b/i.test(text)) return true;
  if (kind === null && (!isQuotable(text) || retried.test(text))) return true;
  return (
    kind === null &&
    farewell.test(text) &&
    !/\b(?:because|due to|caused by|: .*(?:error|fail|denied|refused))\b/i.test(text)
  );
}

/** Whether the words speak of a failure, counts of nothing left aside. */
export function speaksOfFailure({ text }: LogRecord): boolean {
  return bad.test(meant(text));
}
