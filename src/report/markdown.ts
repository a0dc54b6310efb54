import type { ActionTaken, AgentResult, Finding, Recommendation } from '../core/finding.ts';
import { plural } from '../lib/words.ts';
import { timeText } from '../core/time.ts';
import { code, codeBlock, plainText } from './escape.ts';
import { headLine, headOf } from './head.ts';
import { createSaid } from './said.ts';
import type { Said } from './said.ts';
import { isCommand } from './text.ts';
import {
  causeText,
  chainLines,
  conversationLines,
  effectOf,
  logLines,
  measuredLines,
  percent,
  rivalLines,
  timelineLines,
  togetherText,
  verdictLines,
  maskedText,
} from './words.ts';

/** Files with charts, by the id of the evidence that they show. */
export type Charts = ReadonlyMap<string, string>;

const noCharts: Charts = new Map();

/**
 * The Markdown report: the order of the text, under the headings of the contract; what proves it is folded. Text that came from
 * the cluster or the alert is escaped; evidence stands in blocks that its content cannot end. No sentence stands in it twice.
 */
export function renderReport(result: Omit<AgentResult, 'report'>, charts: Charts = noCharts): string {
  const report: AgentResult = { ...result, report: '' };
  const said = createSaid();
  const say = (text: string, limit = 3000): string => plainText(said.once(text), limit);
  const sections = [
    ...(report.notice === null ? [] : [say(report.notice)]),
    '# Investigation Summary',
    headSection(report),
    report.recorded === null ? '' : say(report.recorded),
    list(conversationLines(report).map((line) => `- ${say(line)}`)),
    say(report.happened),
    `**Confidence Level**: ${percent(report.confidence)}`,
    '## Root Cause',
    say(causeText(report)),
    list([...rivalLines(report), ...verdictLines(report)].map((line) => `- ${say(line)}`)),
    togetherText(
      report.other_alerts.map((name) => plainText(name)),
      report.more_alerts,
      20,
    ),
    list(chainLines(report).map((line, index) => `${index + 1}. ${plainText(line.replace(/^-> /, ''))}`)),
    ...logLines(report)
      .filter(({ text }) => !said.has(text))
      .map(({ object, text }) => `Log of ${plainText(object)}: ${code(text)}`),
    list(measuredLines(report).map((line) => measuredLine(line, say, charts))),
    ...timelineSection(report),
    '## Recommendations',
    list(report.recommendations.map((item) => recommendationLine(item, said))) || 'None.',
    ...(report.can_auto_fix && report.fix_command !== null
      ? ['## Automated Resolution Available', code(report.fix_command)]
      : []),
    '## Escalation Context',
    list(escalationLines(report, say)) || 'None.',
    ...proof(report, say),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** Without how long it fires: a report is kept. */
function headSection(report: AgentResult): string {
  const head = headOf(report);
  return `**${plainText(headLine({ ...head, startsAt: null }, ''))}**`;
}

function list(lines: readonly string[]): string {
  return lines.join('\n');
}

function recommendationLine(item: Recommendation, said: Said): string {
  const action = isCommand(item.action) ? code(item.action) : plainText(item.action);
  const why = plainText(said.once(item.rationale));
  const undo = item.undo === null ? '' : ` Undo: ${code(item.undo)}.`;
  return `${item.priority}. ${action} (${plainText(effectOf(item))})${why === '' ? '' : `: ${why}`}${undo}`;
}

/** A measurement, with its picture where it stands in a file, else with its shape. */
function measuredLine({ text, shape, id }: ReturnType<typeof measuredLines>[number], say: Say, charts: Charts): string {
  const path = charts.get(id);
  if (path !== undefined) return `- ${say(text)}\n\n  ![${plainText(text, 300)}](<${path}>)`;
  return `- ${say(text)}${shape === '' ? '' : ` ${code(shape)}`}`;
}

/** Moments of the incident, where metrics say more of them than the sentences. */
function timelineSection(report: AgentResult): readonly string[] {
  const { title, lines } = timelineLines(report);
  if (lines.length === 0) return [];
  return [`## ${title}`, list(lines.map(({ time, text }) => `- ${time} ${plainText(text)}`))];
}

type Say = (text: string, limit?: number) => string;

function escalationLines(report: AgentResult, say: Say): readonly string[] {
  const { links, also_broken: broken, open_questions: questions } = report;
  const { silence } = links;
  const notes = (report.escalation_notes ?? '')
    .split('\n')
    .filter((line) => silence === null || !line.endsWith(silence))
    .map((line) => say(line));
  return [
    ...notes,
    ...(silence === null ? [] : [`Silence: ${code(silence)}`]),
    ...broken.map((finding) => `Also broken, no link found: ${findingText(finding, say)}`),
    ...questions.map((question) => `Open question: ${say(question)}`),
  ]
    .filter((line) => line !== '')
    .map((line) => `- ${line}`);
}

/** Findings, reads and evidence, folded. A line before the closing tag keeps its content Markdown. */
function proof(report: AgentResult, say: Say): readonly string[] {
  const { findings, actions_taken: actions, evidence } = report;
  const masked = maskedText(report);
  const parts = [
    plural(findings.length, 'finding'),
    plural(actions.length, 'read'),
    plural(evidence.length, 'excerpt'),
  ];
  return [
    `<details>\n<summary>Evidence: ${parts.join(', ')}</summary>`,
    '## Key Findings',
    list(findings.map((finding, index) => `${index + 1}. ${findingText(finding, say)}`)) || 'None.',
    list(report.confidence_reasons.map((reason) => `- ${plainText(reason)}`)),
    report.model === null
      ? 'No model was used: this report comes from deterministic analyzers.'
      : `Model: ${plainText(report.model)}${report.model_use === null ? '' : ` (${plainText(report.model_use.note)})`}`,
    list(report.hypotheses.map(hypothesisLine)),
    '## Investigation Steps',
    list(actions.map((action, index) => `${index + 1}. ${actionLine(action)}`)) || 'Nothing was read.',
    '## Evidence',
    ...(masked === null ? [] : [plainText(masked)]),
    ...(evidence.length === 0
      ? ['None.']
      : evidence.flatMap((item) => [
          `### ${item.id}: ${plainText(item.kind)} of ${plainText(item.object)}`,
          `${code(item.command)}, as of ${timeText(item.time)}`,
          codeBlock(item.excerpt),
        ])),
    '</details>',
  ];
}

function findingText({ severity, category, object, description, evidence_ids: ids }: Finding, say: Say): string {
  const words = say(description);
  return `**${severity}** ${code(category)} ${plainText(object)}${words === '' ? '' : `: ${words}`} (${ids.join(', ')})`;
}

function hypothesisLine(hypothesis: AgentResult['hypotheses'][number]): string {
  const { statement, verdict, evidence_for: pro, evidence_against: contra } = hypothesis;
  const cited = [
    ...(pro.length === 0 ? [] : [`for: ${pro.join(', ')}`]),
    ...(contra.length === 0 ? [] : [`against: ${contra.join(', ')}`]),
  ];
  return `- Hypothesis, ${verdict}: ${plainText(statement)}${cited.length === 0 ? '' : ` (${plainText(cited.join('; '))})`}`;
}

function actionLine(action: ActionTaken): string {
  return `${code(action.command)} at ${timeText(action.timestamp)}: ${action.success ? '' : '**failed**, '}${plainText(action.output_summary)}`;
}
