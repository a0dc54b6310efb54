import type { AgentResult, Finding } from '../core/finding.ts';

/** `expected.json` of an example: what an investigation of it has to find, and what it must not say. */
export interface Expected {
  readonly root_cause_includes: readonly string[];
  /** Object of the finding that the root cause is about. */
  readonly object: string;
  readonly findings: readonly {
    readonly category: string;
    readonly object: string;
    readonly description_includes: readonly string[];
    readonly severity: string;
  }[];
  /** Texts that may stand in evidence, but never in what the report claims. */
  readonly must_not_include: readonly string[];
  readonly confidence_at_least: number;
  readonly confidence_at_most: number;
}

/** Compares a result with what was expected; returns what is wrong, in words. An empty list is a match. */
export function compareWithExpected(result: AgentResult, expected: Expected): readonly string[] {
  return [
    ...missing('root_cause', result.root_cause ?? '', expected.root_cause_includes),
    ...expected.findings.flatMap((finding) => compareFinding(result.findings, finding)),
    ...forbidden(result, expected.must_not_include),
    ...uncited(result),
    ...confidence(result.confidence, expected),
    ...(result.findings.some((finding) => finding.object === expected.object)
      ? []
      : [`no finding is about ${expected.object}`]),
  ];
}

function missing(field: string, text: string, wanted: readonly string[]): readonly string[] {
  return wanted
    .filter((part) => !text.includes(part))
    .map((part) => `${field} does not say ${JSON.stringify(part)}: ${text}`);
}

function compareFinding(findings: readonly Finding[], wanted: Expected['findings'][number]): readonly string[] {
  const title = `finding ${wanted.category} of ${wanted.object}`;
  const found = findings.find((finding) => finding.category === wanted.category && finding.object === wanted.object);
  if (found === undefined) return [`${title} is missing`];
  const problems = missing(title, found.description, wanted.description_includes);
  return found.severity === wanted.severity
    ? problems
    : [...problems, `${title} is ${found.severity}, not ${wanted.severity}`];
}

function forbidden(result: AgentResult, texts: readonly string[]): readonly string[] {
  const { summary, root_cause, findings, recommendations } = result;
  const claims = [
    summary,
    root_cause ?? '',
    ...findings.flatMap((finding) => [finding.description, ...Object.values(finding.evidence)]),
    ...recommendations.flatMap((recommendation) => [recommendation.action, recommendation.rationale]),
  ].join('\n');
  return texts.filter((text) => claims.includes(text)).map((text) => `the report claims ${JSON.stringify(text)}`);
}

function uncited(result: AgentResult): readonly string[] {
  const ids = new Set(result.evidence.map((evidence) => evidence.id));
  return result.findings
    .filter((finding) => finding.evidence_ids.length === 0 || finding.evidence_ids.some((id) => !ids.has(id)))
    .map((finding) => `finding ${finding.category} of ${finding.object} cites evidence that does not exist`);
}

function confidence(
  value: number,
  { confidence_at_least: least, confidence_at_most: most }: Expected,
): readonly string[] {
  return value >= least && value <= most ? [] : [`confidence ${value} is not between ${least} and ${most}`];
}
