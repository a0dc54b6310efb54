import type {
  AgentResult,
  Certainty,
  ChainLink,
  Finding,
  Measurement,
  Recommendation,
  MaskedKind,
} from '../core/finding.ts';
import { dayOf, timeText } from '../core/time.ts';
import { oneLine } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { plural } from '../lib/words.ts';

// The sentences of a report that stand in more than one place: in the text, in Markdown, in lists and in short answers.

/** How sure a confidence is, in words; the bands are those of docs/accuracy.md. */
export function certaintyOf(confidence: number): Certainty {
  if (confidence > 0.8) return 'is';
  return confidence >= 0.6 ? 'is probably' : 'may be';
}

/** `95%`. */
export function percent(confidence: number): string {
  return `${Math.round(confidence * 100)}%`;
}

/** What comes before the cause: `The cause is probably (80%)`. */
function causeLead({ confidence }: Pick<AgentResult, 'confidence'>): string {
  return `The cause ${certaintyOf(confidence)} (${percent(confidence)})`;
}

/** The cause in one or two sentences, without how sure it is; null where there is none. Results of earlier versions have one text. */
export function causeSentence({ cause, root_cause: text }: Pick<AgentResult, 'cause' | 'root_cause'>): string | null {
  const sentence = cause?.sentence ?? text;
  return sentence === null ? null : oneLine(sentence, 2500);
}

/** The cause as one paragraph: `The cause is probably (80%): Claim data is not bound: ...`; else why there is none. */
export function causeText(result: AgentResult): string {
  const sentence = causeSentence(result);
  if (sentence === null) return noCauseText(result);
  const change = result.cause?.change ?? null;
  return `${causeLead(result)}: ${sentence}${change === null ? '' : ` ${oneLine(change, 1500)}`}`;
}

/**
 * Causes beside the stated one, a line each: where the model and the analyzers disagree, or what a model gives is not shown to be
 * one. Results of earlier versions have none.
 */
export function rivalLines({
  rival_causes: rivals = [],
}: Partial<Pick<AgentResult, 'rival_causes'>>): readonly string[] {
  return rivals.map(({ by, sentence, confidence, evidence_ids: ids, doubts }) => {
    const who = rivals.length === 1 ? `Possible, not shown (the ${by}` : `Rival cause (the ${by}`;
    const against = doubts.length === 0 ? '' : ` Against it: ${doubts.join('; ')}.`;
    const cited = ids.length === 0 ? '' : ` (${ids.join(', ')})`;
    return oneLine(`${who}, ${percent(confidence)}): ${sentence.replace(/\.$/, '')}${cited}.${against}`, 1500);
  });
}

/** Verdicts that people are shown, at most. */
const mostVerdicts = 2;

/** What people said of such alerts before, but for what the cause itself says already. Results of earlier versions have none. */
export function verdictLines({
  earlier_verdicts: verdicts = [],
}: Partial<Pick<AgentResult, 'earlier_verdicts'>>): readonly string[] {
  return verdicts
    .filter(({ verdict, is_same_cause: isSame }) => !(isSame && verdict === 'refuted'))
    .slice(0, mostVerdicts)
    .map(({ run, at, likeness, verdict, stated, is_same_cause: isSame, cause, note }) => {
      const what = stated === null ? null : isSame ? 'this cause' : `${stated.category} of ${stated.object}`;
      const said = what === null ? 'said' : `${verdict} ${what}`;
      const was = cause === null ? '' : `${what === null ? ' what it was' : ''}: ${cause.replace(/\.$/, '')}`;
      const about = likeness === 'the same alert' ? 'the same alert' : 'an alert of the same rule';
      const more = note === null ? '' : ` Note: ${note.replace(/\.$/, '')}.`;
      return oneLine(`For ${about} a person ${said}${was} (run/${shortId(run)}, ${timeText(at)}).${more}`, 600);
    });
}

/** Measurements of a report that people are shown, at most. */
const mostMeasured = 3;

/** What people are shown of what metrics say: the alert's own first, then what reached its limit; of the rest only what moved. */
export function shownMeasurements(measurements: readonly Measurement[]): readonly Measurement[] {
  const told = measurements.filter(
    ({ kind, is_flat: isFlat, is_saturated: isSaturated }) => kind === 'alert' || !isFlat || isSaturated,
  );
  const weight = ({ kind, is_saturated: isSaturated }: Measurement): number =>
    kind === 'alert' ? 2 : isSaturated ? 1 : 0;
  return told.toSorted((one, other) => weight(other) - weight(one)).slice(0, mostMeasured);
}

/** What metrics say, a line each, with its shape as a line of blocks. */
export function measuredLines({ measurements = [] }: Partial<Pick<AgentResult, 'measurements'>>): readonly {
  readonly text: string;
  readonly shape: string;
  /** `e7`. */
  readonly id: string;
}[] {
  return shownMeasurements(measurements).map(({ sentence, evidence_id: id, sparkline }) => ({
    text: oneLine(`${sentence.replace(/\.$/, '')} (${id}).`, 600),
    shape: oneLine(sparkline, 100),
    id,
  }));
}

/** The blocks of a shape as ASCII, from low to high, for terminals without them. */
export function asciiShape(shape: string): string {
  return Array.from(shape, (block) => asciiBlocks[blocks.indexOf(block)] ?? block).join('');
}

/** Of a shape, from low to high. */
export const blocks = '▁▂▃▄▅▆▇█';
const asciiBlocks = '_.,-~=+#';

/** A line of a timeline, with its time of the day where all of them are of one day. */
export interface TimelineLine {
  readonly time: string;
  readonly text: string;
}

/**
 * The moments of an incident where metrics add to them; empty where they do not, because the cause and the alert say their times
 * themselves. The title has the day, `Timeline (2026-11-23, UTC)`, where there is only one.
 */
export function timelineLines({ timeline = [] }: Partial<Pick<AgentResult, 'timeline'>>): {
  readonly title: string;
  readonly lines: readonly TimelineLine[];
} {
  const days = new Set(timeline.map(({ at }) => dayOf(at)));
  const [day = ''] = days;
  const timeOf = (at: string): string => (days.size === 1 ? at.slice(11, 19) : timeText(at).replace(' UTC', ''));
  const lines = timeline.map(({ at, text, evidence_ids: ids }) => ({
    time: timeOf(at),
    text: oneLine(`${text}${ids.length === 0 ? '' : ` (${ids.slice(0, 3).join(', ')})`}`, 400),
  }));
  return {
    title: days.size === 1 ? `Timeline (${day}, UTC)` : 'Timeline (UTC)',
    lines: timeline.some(({ source }) => source === 'metric') ? lines : [],
  };
}

/** What a person asked on about an investigation and what the model said, which nobody has checked; empty where nobody asked. */
export function conversationLines({ conversation }: Pick<AgentResult, 'conversation'>): readonly string[] {
  return conversation.map(({ role, content }) =>
    oneLine(role === 'user' ? `Asked: ${content}` : `The model says, which nobody has checked: ${content}`, 1500),
  );
}

/** Objects named as checked; more say little. */
const maxChecked = 5;

/** Why there is no cause, and what was looked at and found well. */
function noCauseText({ summary, checked }: AgentResult): string {
  const at = summary.indexOf(inconclusive);
  const why = at < 0 ? summary : summary.slice(at + inconclusive.length);
  const more = checked.length > maxChecked ? ` and ${checked.length - maxChecked} more` : '';
  const well =
    checked.length === 0 ? '' : ` Checked and found well: ${checked.slice(0, maxChecked).join(', ')}${more}.`;
  return oneLine(`No cause was found: ${why.trim()}${well}`, 2500);
}

/** Stands in a summary before the reason why there is no cause. */
export const inconclusive = 'Inconclusive:';

/** `It also explains a, b and 3 more.`; empty where there are none. `more` are not among the names. */
export function namedText(words: string, names: readonly string[], most: number, more = 0): string {
  const shown = names.slice(0, most);
  const left = names.length - shown.length + more;
  if (shown.length === 0) return left === 0 ? '' : `${words} ${plural(left, 'other alert')}.`;
  return `${words} ${shown.join(', ')}${left === 0 ? '' : ` and ${left} more`}.`;
}

/** Alerts that one investigation answers for beside the first, and how many of them it did not look at. */
export function togetherText(names: readonly string[], more: number, most: number): string {
  const named = namedText('It fired together with', names, most, more);
  return more === 0 ? named : `${named} ${more} of them ${more === 1 ? 'was' : 'were'} not looked at.`;
}

const relations: Readonly<Record<string, string>> = {
  owner: 'is owned by',
  owned: 'owns',
  node: 'runs on',
  near: 'is near',
};

/** The way from what the alert names to the cause, one line a hop; empty where the alert names what is at fault. */
export function chainLines({ causal_chain: chain }: Pick<AgentResult, 'causal_chain'>): readonly string[] {
  if (chain.length < 2) return [];
  return chain.map((link, index) => oneLine(`${index === 0 ? '' : '-> '}${hop(link, index === 0)}`, 500));
}

function hop({ object, relation, happened, finding }: ChainLink, isFirst: boolean): string {
  // Results of earlier versions have whole sentences only.
  const said = happened ?? finding;
  if (isFirst) return `${object} ${said}`.trim();
  return `${relations[relation] ?? relation} ${object}${said === '' ? '' : happened === undefined ? `: ${said}` : `, which ${said}`}`;
}

/** Something to do. */
export interface FirstStep {
  /** A command that can be copied, or a sentence. */
  readonly action: string;
  /** `reads only`, or what it changes and the risk. */
  readonly effect: string;
}

/** The first thing to do and what that does; null where there is nothing. */
export function firstStep({ recommendations }: Pick<AgentResult, 'recommendations'>): FirstStep | null {
  const [first] = recommendations;
  return first === undefined ? null : { action: oneLine(first.action, 1000), effect: effectOf(first) };
}

/** `reads only`, or `replaces the pods of deployment/web; risk medium`. */
export function effectOf({ requires_approval: isChange, changes, risk_level: risk }: Recommendation): string {
  if (!isChange) return 'reads only';
  return `${oneLine(changes ?? 'changes the cluster', 300)}; risk ${risk}`;
}

/** A line of a log that tells what went wrong, of one object. */
export interface LogLine {
  readonly object: string;
  readonly text: string;
}

/** What the logs of the objects of the chain say, the cause first. */
export function logLines({ root_cause: cause, causal_chain: chain, findings }: AgentResult): readonly LogLine[] {
  const objects = new Set(chain.map(({ object }) => object));
  const told = findings.filter((finding, index) => cause !== null && (index === 0 || objects.has(finding.object)));
  const lines = told.flatMap(logLine);
  return lines.filter(({ text }, index) => lines.findIndex((other) => other.text === text) === index);
}

function logLine({ object, evidence }: Finding): readonly LogLine[] {
  const text = oneLine(evidence['log_line'] ?? '', 400);
  return text === '' ? [] : [{ object, text }];
}

/** A piece of evidence with the one line of it that says most. */
export interface DecidingLine {
  readonly id: string;
  readonly command: string;
  readonly line: string;
}

/** The evidence that decides: of the cause first, then of the others on the way to it; the telling line of each. */
export function decidingLines({ findings, evidence }: AgentResult, most = 3): readonly DecidingLine[] {
  const byId = new Map(evidence.map((item) => [item.id, item]));
  const seen = new Set<string>();
  const lines: DecidingLine[] = [];
  for (const finding of findings)
    for (const id of finding.evidence_ids) {
      const item = byId.get(id);
      if (item === undefined || seen.has(id) || lines.length === most) continue;
      seen.add(id);
      const line = tellingLine(item.excerpt, finding);
      if (line !== null) lines.push({ id, command: oneLine(item.command, 500), line });
    }
  return lines;
}

/** The line of an excerpt that shares most words with what was found, the last one of those; null where none has two. */
function tellingLine(excerpt: string, { description, evidence }: Finding): string | null {
  const words = new Set(wordsOf(`${description} ${Object.values(evidence).join(' ')}`));
  let best = '';
  let most = 2;
  for (const line of excerpt.split('\n')) {
    const shared = new Set(wordsOf(line).filter((word) => words.has(word))).size;
    if (line.trim() !== '' && shared >= most) {
      best = line;
      most = shared;
    }
  }
  return best === '' ? null : oneLine(best, 300);
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
}

const maskedWords: Readonly<Record<MaskedKind, readonly [one: string, many: string]>> = {
  named: ['value of a secret-like name', 'values of secret-like names'],
  token: ['token of a known form', 'tokens of known forms'],
  key: ['private key', 'private keys'],
  address: ['password in an address', 'passwords in addresses'],
  random: ['long random text', 'long random texts'],
  secret: ['value of a Secret', 'values of Secrets'],
};

/** How many values were masked: `Masked in what was read: 2 values of secret-like names, 1 private key.`; null where none were. */
export function maskedText({ masked = [] }: Partial<Pick<AgentResult, 'masked'>>): string | null {
  if (masked.length === 0) return null;
  const parts = masked.map(({ kind, count }) => `${count} ${maskedWords[kind][count === 1 ? 0 : 1]}`);
  return `Masked in what was read: ${parts.join(', ')}.`;
}
