import { styleText } from 'node:util';
import type { AgentResult, Finding, FindingSeverity } from '../core/finding.ts';
import { oneLine, printable } from '../lib/printable.ts';
import { percent } from '../report/words.ts';
import { whyInconclusive } from './report.ts';

export interface TextOptions {
  /** ANSI colours; words say the same without them. */
  readonly colour?: boolean;
  /** Whether to show the rules that gave the confidence; false where absent. */
  readonly explain?: boolean;
  /** Columns to wrap at; 100 where absent. */
  readonly width?: number;
}

type Style = Parameters<typeof styleText>[0];

const severityStyles: Readonly<Record<FindingSeverity, Style>> = {
  critical: ['red', 'bold'],
  high: 'red',
  medium: 'yellow',
  low: 'cyan',
  info: 'dim',
};

/** The report for a terminal: the verdict first, then the findings with their evidence, what to do, and how to look again. */
export function renderTextReport(result: AgentResult, options: TextOptions = {}): string {
  const width = Math.max(40, options.width ?? 100);
  const paint = (style: Style, text: string): string =>
    options.colour === true ? styleText(style, text, { validateStream: false }) : text;
  const heading = (text: string): string => `\n${paint('bold', text)}`;
  const notice = result.notice ?? '';
  const verdict = result.root_cause ?? whyInconclusive(result.summary);
  const told = (finding: Finding): readonly string[] => [
    `  ${paint(severityStyles[finding.severity], finding.severity.toUpperCase().padEnd(8))} ${oneLine(finding.category)}  ${oneLine(finding.object)}  [${finding.evidence_ids.join(' ')}]`,
    wrap(finding.description, width, '           '),
  ];
  const lines = [
    ...(notice === '' ? [] : [paint('yellow', wrap(notice, width, '')), '']),
    paint('bold', result.root_cause === null ? 'INCONCLUSIVE' : 'ROOT CAUSE'),
    wrap(verdict, width, '  '),
    `  confidence ${percent(result.confidence)}   ${result.model === null ? 'no model was used' : `model ${oneLine(result.model)}`}`,
    ...section(
      heading('CHAIN'),
      result.causal_chain.length < 2
        ? []
        : result.causal_chain.map(({ object, relation, evidence_ids: ids }, index) =>
            index === 0
              ? `  ${oneLine(object)}  [${ids.join(' ')}]`
              : `  -> ${relation}: ${oneLine(object)}  [${ids.join(' ')}]`,
          ),
    ),
    ...section(heading('FINDINGS'), result.findings.flatMap(told)),
    ...section(heading('ALSO BROKEN, NO LINK TO THIS ALERT FOUND'), result.also_broken.flatMap(told)),
    ...section(
      heading('CHECKED AND FOUND WELL'),
      result.root_cause === null && result.checked.length > 0 ? [wrap(result.checked.join(', '), width, '  ')] : [],
    ),
    ...section(
      heading('WHAT TO DO'),
      result.recommendations.flatMap((item) => [
        `  ${item.priority}. ${oneLine(item.action, 1000)}`,
        wrap(
          `${item.requires_approval ? `changes the cluster (risk ${item.risk_level})` : 'reads only'}. ${item.rationale}`,
          width,
          '     ',
        ),
      ]),
    ),
    ...section(
      heading('NOT ANSWERED'),
      result.open_questions.map((question) => wrap(question, width, '  ')),
    ),
    ...section(
      heading('EVIDENCE'),
      result.evidence.map((item) => `  ${item.id.padEnd(4)} ${oneLine(item.command, 1000)}`),
    ),
    ...section(
      heading('CONFIDENCE'),
      options.explain === true ? result.confidence_reasons.map((reason) => wrap(reason, width, '  ')) : [],
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function section(heading: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [heading, ...lines];
}

function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line].join('\n');
}
