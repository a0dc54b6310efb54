import type { AppError } from '../core/errors.ts';
import type { AlertSnapshot } from '../core/run.ts';
import type { Timestamp } from '../core/time.ts';
import { nameOf } from '../analyzers/define.ts';
import type { Analyzer, Question, ReadReference, Target } from '../analyzers/define.ts';
import { analyzers } from '../analyzers/index.ts';
import { oneLine } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { createRecorder } from './evidence.ts';
import { measure } from './metrics/measure.ts';
import { nothingMeasured } from './metrics/measured.ts';
import type { Measurements } from './metrics/measured.ts';
import type { MeasureQuestion } from './metrics/subjects.ts';
import { createGraph, isLinked } from './graph.ts';
import type { Graph } from './graph.ts';
import type { InvestigationFailure, InvestigationInput, InvestigationOutcome } from './input.ts';
import { followLinks, wellPods } from './links.ts';
import { namedObjects } from './labels.ts';
import { questionOf } from './questions.ts';
import { nothingAsked, nothingRanked, rank, withoutCause } from './rank.ts';
import type { Analysis } from './findings.ts';
import type { Asked, Ranking } from './rank.ts';
import { podsBehind } from './pods-behind.ts';
import { openReads } from './reads.ts';
import type { Reads } from './reads.ts';
import { composeResult } from './result.ts';
import { addNear } from './places.ts';
import { addPointed, findSubject } from './targets.ts';
import type { Subject } from './targets.ts';
import { weigh } from './weigh.ts';
import { emptyResult } from './without-cluster.ts';

/**
 * Investigates one alert: finds the objects that it is about, follows their links, runs the analyzers over them, follows
 * what their findings point at, ranks what was found and words the result. A refused model and a cluster of which nothing
 * could be read (ClusterUnavailable) are failures; both still carry a result. Throws the signal's reason.
 */
export async function investigate(input: InvestigationInput): Promise<InvestigationOutcome> {
  const { refusal } = input;
  const refused = refusal === null ? null : `${refusal.message}. This report comes from the analyzers alone.`;
  if (input.cluster === null) return withoutCluster(input, refused);
  const reads = await openReads(input.cluster, () => input.now(), input.signal);
  const alerts = alertsOf(input);
  const explained = await explain(reads, alerts, input.signal);
  const { subject, targets, problems } = explained;
  const { questions } = explained.asked;
  const measured = await measureFor(input, reads.now, async () => ({
    questions,
    findings: explained.ranking.findings,
    targets: [...targets, ...(await wellPods(reads, targets))],
  }));
  const { ranking, checked } = withMetrics(explained, measured, input.alert);
  const recorder = createRecorder(input.firstEvidenceNumber, reads.now, coveredBy(measured, reads));
  const down = reads.answered() === 0 ? reads.unavailable() : null;
  const unreadable =
    down === null ? null : `The cluster could not be read: ${oneLine(redact(down.message)).replace(/\.$/, '')}.`;
  const notices = [unreadable, refused].filter((notice) => notice !== null);
  const result = composeResult({
    input,
    notice: notices.length === 0 ? null : notices.join(' '),
    reads,
    ranking,
    firstStart: firstStartOf(alerts),
    recorder,
    subject,
    checked,
    questions: [...subject.questions, ...reads.ahead, ...problems],
    clusterDescription: input.cluster.description,
    clusterName: reads.clusterName,
    measured,
  });
  // A cluster that is away may be back soon, and then the refusal is what stays.
  const linked = [...targets.map(nameOf), ...(await podsBehind(reads, targets))];
  return { result, failure: down === null ? refusal : failureOf(down), linked, reads };
}

async function withoutCluster(input: InvestigationInput, notice: string | null): Promise<InvestigationOutcome> {
  const questions = alertsOf(input).flatMap(({ name }) => askedBy(name));
  const measured = await measureFor(input, input.now(), async () => ({ questions, findings: [], targets: [] }));
  const recorder = createRecorder(input.firstEvidenceNumber, input.now(), coveredBy(measured, null));
  return { result: emptyResult(input, notice, measured, recorder), failure: input.refusal, linked: [], reads: null };
}

async function measureFor(
  { metrics = null, alert, signal }: InvestigationInput,
  now: Timestamp,
  about: () => Promise<Omit<MeasureQuestion, 'alert'>>,
): Promise<Measurements> {
  return metrics === null ? nothingMeasured : measure(metrics, { alert, ...(await about()) }, now, signal);
}

/** What was really read: of the cluster, and of metrics what was measured. */
function coveredBy({ measured }: Measurements, reads: Reads | null): (read: ReadReference) => boolean {
  const commands = new Set(measured.map(({ command }) => command));
  return (read) => (read.kind === 'metrics' ? commands.has(read.command) : (reads?.covers(read) ?? false));
}

/** The ranking and what was found well, with what metrics say. Where what was read is not what the alert is about, they say nothing. */
function withMetrics(
  { analyses, asked, ranking, checked, subject }: Explanation,
  { measured }: Measurements,
  alert: AlertSnapshot | null,
): Pick<Explanation, 'ranking' | 'checked'> {
  if (measured.length === 0 || subject.mismatch !== null) return { ranking, checked };
  const weighed = weigh(analyses, asked, measured, alert);
  return { ranking: weighed.ranking, checked: checked.filter((name) => !weighed.unwell.includes(name)) };
}

/** Alerts of one notification that one investigation looks at; a larger group says no more about its cause. */
const maxAlerts = 20;

function alertsOf({ alert, others }: InvestigationInput): readonly AlertSnapshot[] {
  return alert === null ? [] : [alert, ...(others ?? [])].slice(0, maxAlerts);
}

function firstStartOf(alerts: readonly AlertSnapshot[]): Timestamp | null {
  return alerts.flatMap(({ startsAt }) => startsAt ?? []).sort()[0] ?? null;
}

function failureOf({ code, message, retryable }: AppError): InvestigationFailure {
  return { code, message, retryable };
}

interface Explanation {
  readonly subject: Subject;
  readonly asked: Asked;
  readonly analyses: readonly Analysis[];
  readonly ranking: Ranking;
  readonly checked: readonly string[];
  /** With a path of links from what the alert names. */
  readonly targets: readonly Target[];
  /** Of analyzers that failed. */
  readonly problems: readonly string[];
}

async function explain(reads: Reads, alerts: readonly AlertSnapshot[], signal: AbortSignal): Promise<Explanation> {
  const graph = createGraph();
  const subjects: Subject[] = [];
  const questions: Question[] = [];
  for (const alert of alerts) {
    for (const question of askedBy(alert.name)) {
      questions.push(question);
      subjects.push(await findSubject(reads, graph, alert, question));
    }
  }
  if (alerts.length === 0) subjects.push(await findSubject(reads, graph, null, 'anything'));
  if (subjects.length === 0)
    return {
      subject: noIncident(alerts[0]?.name ?? ''),
      asked: { ...nothingAsked, questions: [] },
      analyses: [],
      ranking: nothingRanked,
      checked: [],
      targets: [],
      problems: [],
    };
  const subject = oneSubject(subjects);
  const asked: Asked = {
    ...nothingAsked,
    questions: questions.length === 0 ? ['anything'] : questions,
    container: subject.named.container,
    startsAt: firstStartOf(alerts),
    // What an ended alert saw may be over.
    now: alerts.some(({ status }) => status === 'firing') ? reads.now : null,
  };
  const analyses = await analyzeLinked(reads, graph, asked.questions, signal);
  let ranking = rank(analyses, asked);
  if (ranking.cause === null || subject.mismatch !== null) {
    for (const { named } of subjects) await addNear(reads, graph, named.namespace);
    analyses.push(...(await analyzeNew(reads, graph, analyses, signal)));
    ranking = rank(analyses, asked);
  }
  if (subject.mismatch !== null) ranking = { ...ranking, ...withoutCause };
  return {
    subject,
    asked,
    analyses,
    ranking,
    checked: foundWell(analyses),
    targets: graph.targets().filter(isLinked),
    problems: analyses.flatMap(({ problem }) => problem ?? []),
  };
}

/** What an alert of this name asks; empty where it is no incident. */
function askedBy(name: string): readonly Question[] {
  const question = questionOf(name);
  return question === 'nothing' ? [] : [question];
}

/** What several alerts of one notification are about, as one. */
function oneSubject(subjects: readonly Subject[]): Subject {
  const [first] = subjects;
  if (first === undefined || subjects.length === 1) return first ?? noIncident('');
  const containers = new Set(subjects.map(({ named }) => named.container));
  const mismatches = subjects.map(({ mismatch }) => mismatch);
  return {
    named: { ...first.named, container: containers.size === 1 ? first.named.container : null },
    scope: [...new Set(subjects.map(({ scope }) => scope))].join('; '),
    questions: [...new Set(subjects.flatMap(({ questions }) => questions))],
    gone: [...new Set(subjects.flatMap(({ gone }) => gone))],
    // One that is right is enough to go on.
    mismatch: mismatches.every((one) => one !== null) ? (mismatches[0] ?? null) : null,
  };
}

/** Linked objects about which no analyzer found anything. */
function foundWell(analyses: readonly Analysis[]): readonly string[] {
  const linked = analyses.filter(({ target }) => isLinked(target));
  const unwell = new Set(
    linked.filter((one) => one.findings.length > 0 || one.problem !== null).map(({ target }) => target),
  );
  const names = linked.filter(({ target }) => !unwell.has(target)).map(({ target }) => nameOf(target));
  return [...new Set(names)];
}

function noIncident(name: string): Subject {
  return {
    named: namedObjects('', {}),
    scope: `${name}, which is no incident of its own: it shows that alerting works, or holds other alerts back`,
    questions: [],
    gone: [],
    mismatch: null,
  };
}

/** Rounds of following what findings point at; a chain is no longer than this. */
const maxRounds = 4;

/** Follows links, analyzes, and follows what the findings point at, until nothing new is found. */
export async function analyzeLinked(
  reads: Reads,
  graph: Graph,
  questions: readonly Question[],
  signal: AbortSignal,
): Promise<Analysis[]> {
  const analyses: Analysis[] = [];
  for (let round = 0; round < maxRounds; round++) {
    await followLinks(reads, graph, questions);
    const fresh = await analyzeNew(reads, graph, analyses, signal);
    if (fresh.length === 0) break;
    analyses.push(...fresh);
    for (const { target, findings } of fresh)
      for (const pointer of findings.flatMap((finding) => finding.pointers ?? []))
        await addPointed(reads, graph, pointer, target);
  }
  return analyses;
}

/** Every analyzer over every target of its kinds that was not analyzed yet, at the same time; in their order. */
async function analyzeNew(
  reads: Reads,
  graph: Graph,
  done: readonly Analysis[],
  signal: AbortSignal,
): Promise<readonly Analysis[]> {
  const known = new Set(done.map(({ target }) => target));
  const pairs = graph
    .targets()
    .filter((target) => !known.has(target))
    .flatMap((target) =>
      analyzers.filter((analyzer) => analyzer.kinds.includes(target.kind)).map((analyzer) => ({ analyzer, target })),
    );
  const analyses = await Promise.all(pairs.map(({ analyzer, target }) => runAnalyzer(analyzer, reads, target, signal)));
  signal.throwIfAborted();
  return analyses;
}

/** An analyzer that fails on an odd object is an open question and takes nothing from what the others find. */
async function runAnalyzer(analyzer: Analyzer, reads: Reads, target: Target, signal: AbortSignal): Promise<Analysis> {
  try {
    return { analyzer, target, findings: await analyzer.run(reads, target), problem: null };
  } catch (error) {
    signal.throwIfAborted();
    const problem = `What is the state of ${nameOf(target)}? Analyzer ${analyzer.name} failed: ${error instanceof Error ? error.message : String(error)}`;
    return { analyzer, target, findings: [], problem };
  }
}
