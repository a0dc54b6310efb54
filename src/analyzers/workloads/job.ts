import { timeText } from '../../core/time.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import type { Timestamp } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { change, describeCommand, look } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import { lastWarningOfPods } from './deleted-pods.ts';
import type { LastWarning } from './deleted-pods.ts';
import type { AnalyzerIo, EvidenceDraft, EventView, FindingDraft, Pointer, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { at, between, conditionOf, controllerOf, numberAt, textAt, timeAt } from '../reading/fields.ts';
import { podsOf, wasRead } from '../reading/owned.ts';
import { quote } from '../reading/quote.ts';

type Draft = FindingDraft<'job-failed' | 'job-policy' | 'job-deadline' | 'job-suspended' | 'job-running'>;

/** What the job controller says of a job that failed. */
interface Failure {
  readonly reason: string;
  readonly message: string;
  readonly since: Timestamp | null;
  readonly source: string;
}

/** Reasons of the controller's warnings when a job failed: they say it also where the job could not be read. */
const failureReasons: readonly string[] = [
  'BackoffLimitExceeded',
  'DeadlineExceeded',
  'PodFailurePolicy',
  'MaxFailedIndexesExceeded',
  'FailedIndexes',
];
const readJob = (draft: FindingDraft) =>
  look(describeCommand(draft), 'Shows the pods of the job, its limits and its events.');

/** Jobs that failed, are suspended, or go on. Why a pod of one failed is told by the findings about the pod. */
export const job = defineAnalyzer({
  name: 'job',
  kinds: ['job'],
  explains: failureReasons,
  categories: {
    'job-failed': {
      meaning: 'A Job failed.',
      happened: 'failed',
      nearness: 52,
      answers: ['job'],
      changes: null,
      advice: (draft) => [readJob(draft)],
    },
    'job-policy': {
      meaning: 'A Job failed at once, because a pod ended in a way that its podFailurePolicy declares fatal.',
      happened: 'failed at once by its podFailurePolicy',
      nearness: 64,
      answers: ['job'],
      changes: null,
      advice: (draft) => [readJob(draft)],
    },
    'job-deadline': {
      meaning: 'A Job ran longer than its activeDeadlineSeconds.',
      happened: 'ran past its deadline and was ended',
      nearness: 60,
      answers: ['job'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        readJob(draft),
        change(
          `Raise activeDeadlineSeconds in what makes job ${name} in namespace ${namespace}, if the work needs the time.`,
          'The controller ends all pods of a job at its deadline.',
        ),
      ],
    },
    'job-suspended': {
      meaning: 'A Job is suspended: it gets no pods.',
      happened: 'was suspended',
      nearness: 70,
      answers: ['job'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        readJob(draft),
        change(
          `kubectl -n ${namespace} patch job/${name} --type=strategic --patch '{"spec":{"suspend":false}}'`,
          'Lets the job start, unless a queue or a person holds it on purpose.',
        ),
      ],
    },
    'job-running': {
      meaning: 'A Job is not complete yet.',
      happened: 'did not complete',
      nearness: 20,
      answers: [],
      changes: null,
      advice: (draft) => [readJob(draft)],
    },
  },
  async run(io, target) {
    const events = await io.events(target);
    const failure = failureOf(target, events);
    if (failure !== null) return [await failed(io, target, failure, events)];
    if (!wasRead(target) || conditionOf(target.object, 'Complete')?.status === 'True') return [];
    return target.object.spec?.['suspend'] === true ? [suspended(target)] : running(io, target);
  },
});

function failureOf({ object }: Target, events: readonly EventView[]): Failure | null {
  const condition = conditionOf(object, 'Failed');
  if (condition?.status === 'True') return { ...condition, source: 'condition Failed' };
  if (object.status !== undefined) return null;
  const told = events.findLast(({ reason, type }) => type === 'Warning' && failureReasons.includes(reason));
  if (told === undefined) return null;
  return { reason: told.reason, message: told.message, since: told.last, source: `event ${told.reason}` };
}

function jobEvidence(target: Target, failure: Failure | null): EvidenceDraft {
  const { object } = target;
  const status = (field: string): string => String(numberAt(object, 'status', field) ?? 0);
  const excerpt = [
    `pods: ${status('active')} active, ${status('succeeded')} succeeded, ${status('failed')} failed`,
    `backoffLimit: ${numberAt(object, 'spec', 'backoffLimit') ?? 'default'}`,
    ...(failure === null
      ? []
      : [`${failure.source} since ${failure.since ?? 'unknown'} (${failure.reason}: ${failure.message})`]),
  ];
  return {
    read: { kind: 'object', of: 'job', namespace: target.namespace, name: target.name },
    excerpt: excerpt.join('\n'),
  };
}

async function failed(io: AnalyzerIo, target: Target, failure: Failure, events: readonly EventView[]): Promise<Draft> {
  const pods = await podsOf(io, target);
  const failedIndexes = textAt(target.object, 'status', 'failedIndexes');
  const pointers = failedPods(pods, failedIndexes).map(({ metadata }): Pointer => ({
    kind: 'pod',
    namespace: target.namespace,
    name: metadata.name,
  }));
  const count = numberAt(target.object, 'status', 'failed');
  const counted = count === null ? '' : `; ${plural(count, 'pod')} of it failed`;
  const indexes = failedIndexes === '' ? '' : ` (indexes ${failedIndexes})`;
  const left =
    pods.length > 0 ? '' : '. Its pods are deleted, and their logs with them: what ended them cannot be read any more';
  const until = await laterSuccess(io, target, failure.since);
  const warning = pods.length > 0 ? null : await lastWarningOfPods(io, target, events);
  return {
    category: categoryOf(failure.reason),
    severity: 'high',
    object: objectName('job', target.namespace, target.name),
    description: `Job ${target.name} failed at ${timeText(failure.since)} (${failure.reason}): ${quote(failure.message, 250)}${counted}${indexes}${left}.`,
    ...causeOf(target, failure, warning),
    when: { from: failure.since, until, source: failure.source },
    facts: { reason: failure.reason, failed_pods: String(count ?? 0) },
    evidence: [
      ...(wasRead(target) ? [jobEvidence(target, failure)] : []),
      ...(events.length > 0 ? [eventsEvidence(target, events)] : []),
      ...(warning === null
        ? []
        : [eventsEvidence({ kind: 'pod', namespace: target.namespace, name: warning.pod }, warning.events)]),
    ],
    pointers,
  };
}

function categoryOf(reason: string): 'job-failed' | 'job-policy' | 'job-deadline' {
  return reason === 'PodFailurePolicy' ? 'job-policy' : reason === 'DeadlineExceeded' ? 'job-deadline' : 'job-failed';
}

/** The limits of the job itself are a cause, and so is what kept its pods from running; that they failed is not. */
function causeOf(
  target: Target,
  failure: Failure,
  warning: LastWarning | null,
): { readonly cause: string | null; readonly decisive: boolean } {
  if (warning !== null) {
    const { reason, message, last } = warning.event;
    const words = quote(message, 300).replace(/\.$/, '');
    return {
      cause: `The pods of job ${target.name} could not run (${failure.reason}). The last warning about ${warning.pod}, at ${timeText(last)}, says: ${words} (${reason}).`,
      decisive: true,
    };
  }
  if (failure.reason === 'DeadlineExceeded') {
    const seconds = numberAt(target.object, 'spec', 'activeDeadlineSeconds');
    const limit = seconds === null ? 'its deadline' : `its activeDeadlineSeconds of ${seconds}`;
    return { cause: `Job ${target.name} was ended, because it ran longer than ${limit}.`, decisive: true };
  }
  if (failure.reason === 'PodFailurePolicy') {
    const message = quote(failure.message, 250).replace(/\.$/, '');
    return { cause: `Job ${target.name} failed by its podFailurePolicy: ${message}.`, decisive: true };
  }
  return { cause: null, decisive: false };
}

/** Pods that did not succeed: of the failed indexes first, then the worst. */
function failedPods(pods: readonly KubernetesObject[], failedIndexes: string): readonly KubernetesObject[] {
  const failedOnes = pods.filter((pod) => textAt(pod, 'status', 'phase') !== 'Succeeded');
  const rank = (pod: KubernetesObject): number => (isAmong(indexOf(pod), failedIndexes) ? 0 : 1);
  return failedOnes.toSorted((one, other) => rank(one) - rank(other)).slice(0, 5);
}

function indexOf(pod: KubernetesObject): number | null {
  const key = 'batch.kubernetes.io/job-completion-index';
  const text = pod.metadata.labels?.[key] ?? pod.metadata.annotations?.[key];
  return text === undefined ? null : Number(text);
}

/** Whether a list as `1,3-5,7` holds a number. */
function isAmong(index: number | null, ranges: string): boolean {
  if (index === null) return false;
  return ranges.split(',').some((range) => {
    const [from = '', to = from] = range.split('-');
    return from !== '' && index >= Number(from) && index <= Number(to);
  });
}

/** When a later run of the same cron job was complete: then the failure is over. */
async function laterSuccess(io: AnalyzerIo, target: Target, since: Timestamp | null): Promise<Timestamp | null> {
  const owner = controllerOf(target.object);
  if (owner === null || since === null) return null;
  const jobs = await io.list('jobs', target.namespace);
  const times = (jobs.kind === 'ok' ? jobs.value : [])
    .filter((other) => controllerOf(other)?.uid === owner.uid)
    .filter((other) => conditionOf(other, 'Complete')?.status === 'True')
    .flatMap((other) => timeAt(other, 'status', 'completionTime') ?? [])
    .filter((time) => time > since);
  return times.reduce<Timestamp | null>((first, time) => (first === null || time < first ? time : first), null);
}

function suspended(target: Target): Draft {
  const since = conditionOf(target.object, 'Suspended')?.since ?? null;
  const queue = target.object.metadata.labels?.['kueue.x-k8s.io/queue-name'];
  const held = queue === undefined ? '' : ` It waits in queue ${quote(queue, 80)} of Kueue.`;
  const text = `Job ${target.name} is suspended${since === null ? '' : ` since ${timeText(since)}`} (spec.suspend: true): it gets no pods.${held}`;
  return {
    category: 'job-suspended',
    severity: 'high',
    object: objectName('job', target.namespace, target.name),
    description: text,
    cause: text,
    decisive: true,
    when: { from: since, until: null, source: since === null ? '' : 'condition Suspended' },
    facts: {},
    evidence: [jobEvidence(target, null)],
  };
}

function running(io: AnalyzerIo, target: Target): readonly Draft[] {
  const started = timeAt(target.object, 'status', 'startTime');
  const active = numberAt(target.object, 'status', 'active') ?? 0;
  const ready = at(target.object, 'status', 'ready');
  const pods = `${plural(active, 'active pod')}${typeof ready === 'number' ? `, ${ready} ready` : ''}`;
  return [
    {
      category: 'job-running',
      severity: 'low',
      object: objectName('job', target.namespace, target.name),
      description: `Job ${target.name} is not complete${started === null ? '' : `: it started at ${timeText(started)}, ${between(started, io.now) ?? ''} earlier`} (${pods}).`,
      cause: null,
      decisive: false,
      when: { from: started, until: null, source: 'start of the job' },
      facts: { active: String(active) },
      evidence: [jobEvidence(target, null)],
    },
  ];
}
