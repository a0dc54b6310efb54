import type { Evidence } from '../core/run.ts';
import { addMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import type { ModelReport } from './model-report.ts';

// What code can find out about a model's answer without believing a word of it.

/** What is known of the incident. */
export interface Known {
  /** All evidence of the run by id. */
  readonly evidence: ReadonlyMap<string, Evidence>;
  /** What the model was shown of it, by id: the excerpt, or more than that. */
  readonly shown: ReadonlyMap<string, string>;
  /** Objects with a path of links from the alert. */
  readonly linked: readonly string[];
  /** Objects that the analyzers looked at and found well. */
  readonly well: readonly string[];
  /** When the alert began; null where nothing says. */
  readonly startsAt: Timestamp | null;
}

export interface CheckedCause {
  readonly statement: string;
  /** As the cluster names it where it is known, else as the model wrote it. */
  readonly object: string;
  readonly since: Timestamp | null;
  /** 0 to 1, after what speaks against it. */
  readonly confidence: number;
  readonly evidenceIds: readonly string[];
  /** Evidence about the object itself shows a failure in the very words that the model quotes, and nothing speaks against it. */
  readonly isDecisive: boolean;
  readonly doubts: readonly string[];
}

export interface CheckedFinding {
  readonly statement: string;
  readonly object: string;
  readonly severity: ModelReport['findings'][number]['severity'];
  readonly evidenceIds: readonly string[];
  /** The words of the evidence. */
  readonly quotes: readonly string[];
}

export interface CheckedReport {
  readonly summary: string;
  readonly cause: CheckedCause | null;
  readonly findings: readonly CheckedFinding[];
  readonly hypotheses: ModelReport['hypotheses'];
  readonly next: readonly string[];
  /** Statements that were left out, because they cite nothing that is there. */
  readonly dropped: number;
}

/** Shorter quotes stand in everything. */
const shortestQuote = 6;
/** Clocks differ, and rules look back. */
const slackMs = 120_000;

/** Most confidence of a cause with something against it, and with several things. */
const mostWithDoubt = 0.4;
const mostWithDoubts = 0.2;
/** Most confidence of a cause that no evidence shows by itself, and of any that a model gives. */
const mostUnproven = 0.4;
const mostOfModel = 0.55;

/** Drops what cites no evidence of this run, and says what speaks against the cause. Pure. */
export function checkReport(report: ModelReport, known: Known): CheckedReport {
  const findings = report.findings.flatMap((finding): readonly CheckedFinding[] => {
    const cited = verifiedCitations(finding.evidence, known);
    if (cited.length === 0) return [];
    const { statement, severity } = finding;
    const object = knownObject(finding.object, known) ?? finding.object;
    return [{ statement, object, severity, evidenceIds: idsOf(cited), quotes: cited.map(({ quote }) => quote) }];
  });
  const cause = checkCause(report.cause, known);
  const lostCause = report.cause !== null && cause === null ? 1 : 0;
  const isThere = (id: string): boolean => known.evidence.has(id);
  return {
    summary: report.summary,
    cause,
    findings,
    hypotheses: report.hypotheses.map((hypothesis) => ({
      ...hypothesis,
      evidence_for: hypothesis.evidence_for.filter(isThere),
      evidence_against: hypothesis.evidence_against.filter(isThere),
    })),
    next: report.next,
    dropped: report.findings.length - findings.length + lostCause,
  };
}

type Citation = ModelReport['findings'][number]['evidence'][number];

/** The citations whose words stand in what the model was shown of that evidence. */
export function verifiedCitations(
  citations: readonly Citation[],
  { evidence, shown }: Pick<Known, 'evidence' | 'shown'>,
): readonly Citation[] {
  return citations.filter(({ id, quote }) => {
    const words = plainWords(quote);
    const text = plainWords(`${evidence.get(id)?.excerpt ?? ''}\n${shown.get(id) ?? ''}`);
    return evidence.has(id) && words.length >= shortestQuote && text.includes(words);
  });
}

/** White space, quotation marks at the ends and the case of letters make no other quote. */
function plainWords(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^["'`…]+|["'`…]+$/g, '')
    .toLowerCase();
}

function idsOf(citations: readonly Citation[]): readonly string[] {
  return [...new Set(citations.map(({ id }) => id))];
}

function checkCause(claim: ModelReport['cause'], known: Known): CheckedCause | null {
  if (claim === null) return null;
  const cited = verifiedCitations(claim.evidence, known);
  if (cited.length === 0) return null;
  const object = knownObject(claim.object, known);
  const since = timeOf(claim.since);
  const doubts = doubtsOf({ object, claimed: claim.object, since, cited }, known);
  const proof = object === null ? [] : cited.filter((citation) => showsFailure(citation, object, known));
  const isDecisive = doubts.length === 0 && proof.length > 0;
  const most =
    doubts.length > 1 ? mostWithDoubts : doubts.length === 1 ? mostWithDoubt : isDecisive ? mostOfModel : mostUnproven;
  return {
    statement: claim.statement,
    object: object ?? claim.object,
    since,
    confidence: Math.min(claim.confidence_percent / 100, most),
    evidenceIds: idsOf(cited),
    isDecisive,
    doubts,
  };
}

interface Claim {
  /** null: nobody looked at it. */
  readonly object: string | null;
  readonly claimed: string;
  readonly since: Timestamp | null;
  readonly cited: readonly Citation[];
}

function doubtsOf({ object, claimed, since, cited }: Claim, known: Known): readonly string[] {
  const { linked, well, startsAt, evidence } = known;
  if (object === null) return [`nothing was read about ${claimed}`];
  const isAbout = ({ id }: Citation): boolean => speaksOf(evidence.get(id), object);
  return [
    ...(linked.includes(object) ? [] : [`no link leads from the alert to ${object}`]),
    ...(cited.some(isAbout) ? [] : [`none of the evidence that it cites is about ${object}`]),
    ...(well.includes(object) ? [`the analyzers looked at ${object} and found it well`] : []),
    ...(since !== null && startsAt !== null && since > addMs(startsAt, slackMs)
      ? ['it is said to have begun after the alert']
      : []),
  ];
}

function speaksOf(evidence: Evidence | undefined, object: string): boolean {
  if (evidence === undefined) return false;
  const name = object.split('/').at(-1) ?? object;
  return evidence.object === object || evidence.excerpt.includes(name);
}

/** Words with which clusters, programs and kernels say that something failed. */
const failure =
  /\b(?:err|error|errors|fatal|panic|exception|fail|fails|failed|failing|failure|refused|denied|forbidden|unauthorized|timeout|timed out|deadline exceeded|exceeded|insufficient|exhausted|no such|not found|notfound|cannot|can't|could not|unable|invalid|missing|expired|evicted|killed|oomkilled|backoff|crashloopbackoff|imagepullbackoff|errimagepull|unschedulable|unhealthy|notready|not ready|full|no space|broken|reset|unreachable|exit code: [1-9]\d*|exitcode: [1-9]\d*)\b/i;

/** Whether the words tell of a failure and stand in what was read of the object itself. */
function showsFailure({ id, quote }: Citation, object: string, { evidence }: Known): boolean {
  return evidence.get(id)?.object === object && failure.test(quote);
}

/** Short names of kinds that models use. */
const kindNames: Readonly<Record<string, string>> = {
  pods: 'pod',
  po: 'pod',
  deploy: 'deployment',
  deployments: 'deployment',
  svc: 'service',
  services: 'service',
  nodes: 'node',
  pvc: 'persistentvolumeclaim',
  pv: 'persistentvolume',
  hpa: 'horizontalpodautoscaler',
  sts: 'statefulset',
  ds: 'daemonset',
  rs: 'replicaset',
  cm: 'configmap',
  netpol: 'networkpolicy',
};

/** The object that a model means, as it is named elsewhere; null where it is none that was looked at. */
function knownObject(claimed: string, { linked, evidence }: Known): string | null {
  const objects = new Set([...linked, ...[...evidence.values()].map(({ object }) => object)]);
  // `pod web-1` as well.
  const words = claimed.trim().toLowerCase().replace(/\s+/g, '/');
  const [kind = '', ...rest] = words.split('/');
  const exact = [kindNames[kind] ?? kind, ...rest].join('/');
  if (objects.has(exact)) return exact;
  // `web-1`, `shop/web-1`, `pod/web-1`: where one object alone is called so.
  const same = [...objects].filter((object) => {
    const parts = object.split('/');
    const short = [parts[0], parts.at(-1)].join('/');
    return short === exact || object.endsWith(`/${words}`);
  });
  return same.length === 1 ? (same[0] ?? null) : null;
}

function timeOf(text: string | null): Timestamp | null {
  const time = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? null : toTimestamp(time);
}
