import type { AppError } from '../core/errors.ts';
import { objectName } from '../analyzers/define.ts';
import type { Analyzer, Target } from '../analyzers/define.ts';
import { analyzers } from '../analyzers/index.ts';
import { oneLine } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { createRecorder } from './evidence.ts';
import type { InvestigationFailure, InvestigationInput, InvestigationOutcome } from './input.ts';
import { namedObjects } from './labels.ts';
import { rank } from './rank.ts';
import type { Analysis } from './rank.ts';
import { openReads } from './reads.ts';
import type { Reads } from './reads.ts';
import { composeResult, emptyResult } from './result.ts';
import { findTargets } from './targets.ts';

/**
 * Investigates one alert: finds the objects that it is about, runs the analyzers over them, ranks what they found and
 * words the result. A refused model and a cluster of which nothing could be read (ClusterUnavailable) are
 * failures; both still carry a result. Throws the signal's reason.
 */
export async function investigate(input: InvestigationInput): Promise<InvestigationOutcome> {
  const { refusal } = input;
  const refused = refusal === null ? null : `${refusal.message}. This report comes from the analyzers alone.`;
  if (input.cluster === null) return { result: emptyResult(input, refused), failure: refusal };
  const reads = await openReads(input.cluster, () => input.now(), input.signal);
  const { targets, scope, questions } = await findTargets(reads, input.alert);
  const container = input.alert === null ? null : namedObjects(input.alert.name, input.alert.labels).container;
  const analyses = await analyze(reads, targets, input.signal);
  const ranking = rank(analyses, container);
  const recorder = createRecorder(input.firstEvidenceNumber, reads.now, (read) => reads.covers(read));
  const down = reads.answered() === 0 ? reads.unavailable() : null;
  const unreadable =
    down === null ? null : `The cluster could not be read: ${oneLine(redact(down.message)).replace(/\.$/, '')}.`;
  const notices = [unreadable, refused].filter((notice) => notice !== null);
  const result = composeResult({
    input,
    notice: notices.length === 0 ? null : notices.join(' '),
    reads,
    ranking,
    recorder,
    scope,
    questions: [...questions, ...analyses.flatMap(({ problem }) => problem ?? [])],
    clusterDescription: input.cluster.description,
  });
  // A cluster that is away may be back soon, and then the refusal is what stays.
  return { result, failure: down === null ? refusal : failureOf(down) };
}

function failureOf({ code, message, retryable }: AppError): InvestigationFailure {
  return { code, message, retryable };
}

/** Every analyzer over every target of its kinds, at the same time; in the order of targets and analyzers. */
async function analyze(reads: Reads, targets: readonly Target[], signal: AbortSignal): Promise<readonly Analysis[]> {
  const pairs = targets.flatMap((target) =>
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
    const object = objectName(target.kind, target.namespace, target.name);
    const problem = `What is the state of ${object}? Analyzer ${analyzer.name} failed: ${error instanceof Error ? error.message : String(error)}`;
    return { analyzer, target, findings: [], problem };
  }
}
