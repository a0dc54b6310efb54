import type { ActionTaken, AgentResult, ChainLink, Finding, Recommendation } from '../core/finding.ts';
import { inconclusive, percent } from '../report/words.ts';
import { code, codeBlock, plainText } from './markdown.ts';

/**
 * The Markdown report, with the headings of the contract in their order. Text that came from the cluster or the alert is
 * escaped; evidence stands in blocks that its content cannot end.
 */
export function renderReport(result: Omit<AgentResult, 'report'>): string {
  const sections = [
    ...(result.notice === null ? [] : [plainText(result.notice)]),
    '# Investigation Summary',
    plainText(result.summary, 3000),
    `**Confidence Level**: ${percent(result.confidence)}`,
    list(result.confidence_reasons.map((reason) => `- ${plainText(reason)}`)),
    modelLine(result.model),
    '## Root Cause',
    result.root_cause === null ? plainText(whyInconclusive(result.summary), 3000) : plainText(result.root_cause, 3000),
    ...(result.causal_chain.length < 2 ? [] : ['## Causal Chain', list(result.causal_chain.map(chainLine))]),
    '## Key Findings',
    list(result.findings.map(findingLine)) || 'None.',
    ...(result.also_broken.length === 0
      ? []
      : ['## Also Broken, No Link To This Alert Found', list(result.also_broken.map(findingLine))]),
    ...(result.root_cause !== null || result.checked.length === 0
      ? []
      : ['## Checked And Found Well', list(result.checked.map((object) => `- ${plainText(object)}`))]),
    '## Investigation Steps',
    list(result.actions_taken.map((action, index) => `${index + 1}. ${stepLine(action)}`)) || 'Nothing was read.',
    '## Recommendations',
    list(result.recommendations.map(recommendationLine)) || 'None.',
    ...(result.can_auto_fix && result.fix_command !== null
      ? ['## Automated Resolution Available', code(result.fix_command)]
      : []),
    '## Escalation Context',
    list(
      [
        ...(result.escalation_notes === null ? [] : result.escalation_notes.split('\n')),
        ...result.open_questions.map((question) => `Open question: ${question}`),
      ].map((line) => `- ${plainText(line)}`),
    ) || 'None.',
    '## Evidence',
    ...(result.evidence.length === 0
      ? ['None.']
      : result.evidence.flatMap((item) => [
          `### ${item.id}: ${plainText(item.kind)} of ${plainText(item.object)}`,
          `${code(item.command)}, as of ${item.time}`,
          codeBlock(item.excerpt),
        ])),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function findingLine(finding: Finding, index: number): string {
  return `${index + 1}. **${finding.severity}** ${code(finding.category)} ${plainText(finding.object)}: ${plainText(finding.description)} (${finding.evidence_ids.join(', ')})`;
}

function chainLine({ object, relation, finding, evidence_ids: ids }: ChainLink, index: number): string {
  const link = index === 0 ? '' : ` (${relation})`;
  return `${index + 1}. ${plainText(object)}${link}${finding === '' ? '' : `: ${plainText(finding)}`} (${ids.join(', ')})`;
}

function modelLine(model: string | null): string {
  return model === null
    ? 'No model was used: this report comes from deterministic analyzers.'
    : `Model: ${plainText(model)}`;
}

function list(lines: readonly string[]): string {
  return lines.join('\n');
}

/** The sentence that says why there is no root cause, from the summary, before which something else may stand. */
export function whyInconclusive(summary: string): string {
  return summary.slice(Math.max(0, summary.indexOf(inconclusive)));
}

function stepLine(action: ActionTaken): string {
  return `${code(action.command)} at ${action.timestamp}: ${action.success ? '' : '**failed**, '}${plainText(action.output_summary)}`;
}

function recommendationLine(item: Recommendation): string {
  const action = item.action.startsWith('kubectl ') ? code(item.action) : plainText(item.action);
  return `${item.priority}. ${action} (risk ${item.risk_level}, ${item.requires_approval ? 'needs an approval' : 'reads only'}): ${plainText(item.rationale)}`;
}
