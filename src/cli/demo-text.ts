import type { DemoEvent } from '../app/demo-event.ts';
import type { AgentResult } from '../core/finding.ts';
import { secondsText } from '../core/time.ts';
import { dollarsText } from '../lib/dollars.ts';
import { plain } from '../lib/printable.ts';
import { causeText, chainLines, decidingLines, firstStep } from '../report/words.ts';
import type { FirstStep } from '../report/words.ts';
import { styled } from '../lib/styled.ts';
import { cutToWidth } from '../lib/text-width.ts';
import { plural } from '../lib/words.ts';
import { wrap } from '../lib/wrap.ts';
import type { Terminal } from './output.ts';

/** A piece of a story: what it is about, and lines about it. */
type Line = readonly [label: string, text: string];

type Tellers = {
  readonly [Kind in DemoEvent['event']]: (event: Extract<DemoEvent, { event: Kind }>) => readonly Line[];
};

const labelWidth = 11;
/** Where the output is no terminal. */
const usualColumns = 100;

/** An event as a person reads it, wrapped to the terminal; empty where it says nothing new. */
export function eventText(terminal: Terminal, event: DemoEvent): string {
  const columns = columnsOf(terminal);
  if (event.event === 'story-started') return `\n${titleLine(terminal, columns, event)}`;
  const tell = tellers[event.event] as (event: DemoEvent) => readonly Line[];
  return tell(event)
    .map(([label, text]) => {
      const lines = wrap(text, columns - labelWidth);
      const head = label.padEnd(labelWidth);
      return `${bold(terminal, head)}${lines.join(`\n${' '.repeat(labelWidth)}`)}\n`;
    })
    .join('');
}

/** Columns for a story, within bounds that can be read. */
export function columnsOf({ columns = usualColumns }: Terminal): number {
  return Math.min(usualColumns, Math.max(40, columns));
}

export function bold(terminal: Terminal, text: string): string {
  return terminal.colour ? styled('bold', text) : text;
}

function titleLine(
  terminal: Terminal,
  columns: number,
  { number, stories, title, story }: Extract<DemoEvent, { event: 'story-started' }>,
): string {
  const head = `${number}/${stories}  ${title}`;
  const mark = `SAMPLE examples/${story}`;
  const gap = columns - head.length - mark.length;
  return gap < 2 ? `${bold(terminal, head)}\n     ${mark}\n` : `${bold(terminal, head)}${' '.repeat(gap)}${mark}\n`;
}

const kinds: Readonly<Record<string, string>> = {
  firing: 'Alertmanager says that it fires',
  repeat: 'it says so again',
  resolved: 'it says that it is over',
};

const tellers: Omit<Tellers, 'story-started'> = {
  'notification-sent': ({ kind, answer }) => [['webhook', `${kinds[kind] ?? kind}: ${answerText(answer)}`]],
  alert: ({ name, object, status }) => (status === 'resolved' ? [] : [['alert', `${plain(name)} ${plain(object)}`]]),
  step: () => [],
  'model-asked': ({ model, analysis }) => [
    ['analyzers', plain(noCauseSentence(analysis))],
    ['model', `${plain(model)}: answers written before, tools that read now`],
  ],
  'tool-called': ({ tool, input, status, seen }) => [
    ['  asks', cutToWidth(plain(`${tool} ${valuesOf(input)}`), 130)],
    ['', seen === null ? status : `${seen.id}: "${cutToWidth(plain(seen.words), 100)}"`],
  ],
  investigated: ({ result, durationMs }) => [
    ['run', `investigated in ${secondsText(durationMs)} ${withWhat(result)}`],
    ['cause', plain(`${causeText(result)}${citedText(result)}`)],
    ...labelled('way there', chainLines(result)),
    ...modelLines(result),
    ...(result.model_use === null ? labelled('evidence', evidenceLines(result)) : []),
    ...orders(result.evidence),
    ...labelled('first step', stepTexts(firstStep(result))),
  ],
  'same-result': () => [['run', 'the other alert has the same cause']],
  deliveries: ({ sent, total, bytes }) => [
    ['report', `${sent} of ${total} sent to a Sink, ${bytes} bytes (not shown here)`],
  ],
  checked: ({ problems }) => problems.map((problem): Line => ['WRONG', plain(problem)]),
};

function stepTexts(step: FirstStep | null): readonly string[] {
  if (step === null) return [];
  const { action, effect } = step;
  return action.length + effect.length < 64 ? [`${action} (${effect})`] : [action, `(${effect})`];
}

function labelled(label: string, texts: readonly string[]): readonly Line[] {
  return texts.filter((text) => text !== '').map((text, index) => [index === 0 ? label : '', plain(text)]);
}

function answerText({
  opened,
  repeated,
  resolved,
  runs,
}: Extract<DemoEvent, { event: 'notification-sent' }>['answer']) {
  const parts = [
    [opened, 'opened'],
    [repeated, 'counted as a repeat'],
    [resolved, 'resolved'],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, what]) => `${plural(number, 'alert')} ${what}`);
  return [...said, runs === 0 ? 'no run' : plural(runs, 'run')].join(', ');
}

/** Without a model, or what one did and cost. */
function withWhat({ model_use: use, evidence }: AgentResult): string {
  const reads = `from ${evidence.length} reads`;
  if (use === null) return `without a model, ${reads}`;
  const cost = use.cost_dollars === null ? 'price unknown' : dollarsText(use.cost_dollars * 1_000_000);
  return `${reads}: ${plural(use.requests, 'request')}, ${plural(use.tool_calls, 'tool call')}, ${cost}`;
}

/** The first half of why there is no cause. */
function noCauseSentence(analysis: AgentResult): string {
  return causeText(analysis).replace(/, about .*$/, '');
}

/** `travel web-1 WARN` of a call's JSON; what is none as it was written. */
function valuesOf(input: string): string {
  try {
    const values = Object.values(JSON.parse(input) as Record<string, unknown>);
    return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
  } catch {
    return input;
  }
}

/** The ids of the evidence for a cause of a model: its words were shown as it was read. */
function citedText({ model_use: use, cause, findings: [first] }: AgentResult): string {
  return use === null || cause === null || first === undefined ? '' : ` (${first.evidence_ids.join(', ')})`;
}

/** What came of a model's answer: what its evidence refutes, what code left out, or why there is none. */
function modelLines({ model_use: use, hypotheses }: AgentResult): readonly Line[] {
  if (use === null) return [];
  const refuted = hypotheses
    .filter(({ verdict }) => verdict === 'refuted')
    .map(({ statement, evidence_against: ids }) => `${statement} (${ids.join(', ')})`);
  return [
    ...labelled('no answer', use.ended === 'concluded' ? [] : [use.note]),
    ...labelled('ruled out', refuted),
    ...labelled(
      'dropped',
      use.dropped === 0 ? [] : [`${plural(use.dropped, 'statement')} of the model: cited nothing`],
    ),
  ];
}

/** Two of them, so that a story fits a screen; one where the way to the cause is shown as well. */
function evidenceLines(result: AgentResult): readonly string[] {
  const lines = decidingLines(result, result.causal_chain.length > 1 ? 1 : 2);
  return lines.map(({ id, command, line }) => cutToWidth(`${id} ${cutToWidth(command, 70)}: "${line}"`, 130));
}

/** Lines of evidence that give orders to an investigator: shown as text, marked, never followed. */
function orders(evidence: AgentResult['evidence']): readonly Line[] {
  return evidence.flatMap(({ id, excerpt }): readonly Line[] => {
    const line = excerpt.split('\n').find((text) => /ignore (all )?previous instructions/i.test(text));
    if (line === undefined) return [];
    const from = line.search(/ignore (all )?previous instructions/i);
    return [
      [
        'untrusted',
        `${id} gives orders, which are text and are never followed: "${cutToWidth(plain(line.slice(from)), 100)}"`,
      ],
    ];
  });
}
