import type { KubernetesObject } from '../../core/cluster.ts';
import type { Timestamp } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, EventView, EvidenceDraft, FindingDraft, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { conditionOf, controllerOf, isOwnedBy, mapAt, numberAt, timeAt } from '../reading/fields.ts';
import { refusalCategories } from './refusal-categories.ts';
import { refusalMessage, refusalOf } from './refusal-words.ts';
import type { Refusal, RefusalCategory } from './refusal-words.ts';
import { wasRead } from '../reading/owned.ts';
import { replicasOf, revisionOf } from '../reading/replicas.ts';
import { ownWords } from '../pods/runtime-words.ts';

/** Workloads whose pods (or claims, or jobs) the API server refuses: quotas, limits, admission, service accounts. */
export const refusal = defineAnalyzer({
  name: 'refusal',
  kinds: ['deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'cronjob'],
  explains: ['FailedCreate', 'ReplicaSetCreateError'],
  categories: refusalCategories,
  async run(io, target) {
    if (await isToldByOwner(io, target)) return [];
    const makers = [target, ...(await newestReplicaSet(io, target))];
    if (!makers.some(lacksObjects)) return [];
    const told = (await Promise.all(makers.map((maker) => lastWord(io, maker)))).filter((word) => word !== null);
    const last = told.sort((one, other) => ((one.last ?? '') < (other.last ?? '') ? -1 : 1)).at(-1);
    return last === undefined ? [] : [await finding(io, target, last, told)];
  },
});

/** Kinds of refusals whose words do not hold all that the message says. */
const wordsLackMessage: ReadonlySet<RefusalCategory> = new Set([
  'namespace-ending',
  'not-permitted',
  'api-server-fault',
  'create-refused',
]);

/** What a maker of objects says last of a refusal: its newest event, or its condition. */
interface Word {
  readonly message: string;
  readonly first: Timestamp | null;
  readonly last: Timestamp | null;
  readonly count: number;
  readonly source: string;
  readonly evidence: EvidenceDraft;
}

async function lastWord(io: AnalyzerIo, maker: Target): Promise<Word | null> {
  const events = await io.events(maker);
  const failures = events.filter(
    ({ type, reason }) => type === 'Warning' && ['FailedCreate', 'ReplicaSetCreateError'].includes(reason),
  );
  const last = failures.at(-1);
  // A run that was started later was not refused.
  const started = timeAt(maker.object, 'status', 'lastScheduleTime');
  if (started !== null && (last?.last ?? '') < started) return null;
  if (last !== undefined)
    return {
      ...last,
      first: earliest(failures),
      source: `event ${last.reason}`,
      evidence: eventsEvidence(maker, events),
    };
  const condition = conditionOf(maker.object, 'ReplicaFailure') ?? progressFailure(maker.object);
  if (condition?.status !== 'True' || condition.message === '') return null;
  return {
    message: condition.message,
    first: condition.since,
    last: condition.since,
    count: 1,
    source: 'condition ReplicaFailure',
    evidence: stateEvidence(maker),
  };
}

/** A deployment that cannot even make its replica set says so in another condition. */
function progressFailure(object: KubernetesObject): ReturnType<typeof conditionOf> {
  const progressing = conditionOf(object, 'Progressing');
  return progressing?.reason === 'ReplicaSetCreateError' ? { ...progressing, status: 'True' } : null;
}

function earliest(events: readonly EventView[]): Timestamp | null {
  const times = events.flatMap(({ first }) => first ?? []).sort();
  return times[0] ?? null;
}

/** Whether it wants more objects than there are: what was refused and came later is no refusal any more. */
function lacksObjects(maker: Target): boolean {
  const { kind, object } = maker;
  if (conditionOf(object, 'ReplicaFailure')?.status === 'True' || progressFailure(object) !== null) return true;
  // Of what could not be read only its events speak.
  if (!wasRead(maker)) return true;
  if (kind === 'cronjob') return object.spec?.['suspend'] !== true;
  if (kind === 'job') return (numberAt(object, 'status', 'active') ?? 0) < wantedOfJob(object);
  const { current, wanted } = replicasOf(maker);
  return current < wanted;
}

/** How many pods of a job are to run at once: none any more where it is over or held, and not more than it still needs. */
function wantedOfJob(job: KubernetesObject): number {
  const isOver = ['Complete', 'Failed'].some((type) => conditionOf(job, type)?.status === 'True');
  if (isOver || job.spec?.['suspend'] === true) return 0;
  const parallelism = numberAt(job, 'spec', 'parallelism') ?? 1;
  const succeeded = numberAt(job, 'status', 'succeeded') ?? 0;
  const completions = numberAt(job, 'spec', 'completions');
  // Of those that share a queue of work the first that succeeds says that nothing is left.
  if (completions === null) return succeeded > 0 ? 0 : parallelism;
  return Math.min(parallelism, completions - succeeded);
}

/** The replica set of the newest revision makes the pods of a deployment. */
async function newestReplicaSet(io: AnalyzerIo, { kind, namespace, object }: Target): Promise<readonly Target[]> {
  if (kind !== 'deployment') return [];
  const listed = await io.list('replicasets', namespace);
  const [newest] = (listed.kind === 'ok' ? listed.value : [])
    .filter((set) => isOwnedBy(set, object))
    .sort((one, other) => revisionOf(other) - revisionOf(one));
  return newest === undefined
    ? []
    : [{ kind: 'replicaset', namespace, name: newest.metadata.name, object: newest, relation: 'owned', via: null }];
}

/** The deployment of a replica set says the same, where it can be read. */
async function isToldByOwner(io: AnalyzerIo, { kind, namespace, object }: Target): Promise<boolean> {
  const owner = controllerOf(object);
  if (kind !== 'replicaset' || owner?.kind !== 'Deployment') return false;
  const result = await io.get('deployment', namespace, owner.name);
  return result.kind === 'ok' && result.value !== null;
}

async function finding(
  io: AnalyzerIo,
  target: Target,
  last: Word,
  told: readonly Word[],
): Promise<FindingDraft<RefusalCategory>> {
  const { kind, namespace, name } = target;
  const found = refusalOf(last.message);
  const message = refusalMessage(last.message);
  const what = whatIsRefused(last.message, kind);
  const quota = await quotaEvidence(io, namespace, found);
  const times = told.flatMap(({ first }) => first ?? []).sort();
  const said = wordsLackMessage.has(found.category) && found.words !== message ? ` (${ownWords(message, 400)})` : '';
  const cause = `The ${what} of ${kind} ${name} cannot be created: ${found.words}${said}.`;
  return {
    category: found.category,
    severity: 'high',
    object: objectName(kind, namespace, name),
    description: `${cause} Refused ${plural(last.count, 'time')}.`,
    cause,
    decisive: true,
    when: { from: times[0] ?? null, until: null, source: last.source },
    facts: {
      message: found.words,
      ...(found.named === '' ? {} : { named: found.named }),
      ...(found.service === null ? {} : { service: `${found.service.namespace}/${found.service.name}` }),
    },
    evidence: [last.evidence, ...quota, ...(last.evidence.read.kind === 'events' ? [stateEvidence(target)] : [])],
    ...(found.service === null
      ? {}
      : { pointers: [{ kind: 'service', namespace: found.service.namespace, name: found.service.name } as const] }),
  };
}

function whatIsRefused(message: string, kind: string): string {
  if (kind === 'cronjob') return 'jobs';
  if (/persistentvolumeclaims? "|create Claim /.test(message)) return 'claims';
  return /replicasets?(?:\.apps)? "/.test(message) ? 'replica set' : 'pods';
}

/** The quota as it stands: what it allows and what is used. */
async function quotaEvidence(
  io: AnalyzerIo,
  namespace: string | null,
  { category, named }: Refusal,
): Promise<readonly EvidenceDraft[]> {
  if (category !== 'quota-exceeded' || named === '') return [];
  const result = await io.get('resourcequota', namespace, named);
  if (result.kind !== 'ok' || result.value === null) return [];
  const used = mapAt(result.value, 'status', 'used');
  const lines = Object.entries(mapAt(result.value, 'status', 'hard')).map(
    ([resource, amount]) => `${resource}: ${used[resource] ?? '?'} of ${amount} used`,
  );
  return [{ read: { kind: 'object', of: 'resourcequota', namespace, name: named }, excerpt: lines.join('\n') }];
}

function stateEvidence({ kind, namespace, name, object }: Target): EvidenceDraft {
  const status = [
    'replicas',
    'readyReplicas',
    'active',
    'succeeded',
    'failed',
    'desiredNumberScheduled',
    'currentNumberScheduled',
  ];
  const numbers = status.flatMap((field) => {
    const value = numberAt(object, 'status', field);
    return value === null ? [] : [`${field}: ${value}`];
  });
  const wanted = numberAt(object, 'spec', 'replicas') ?? numberAt(object, 'spec', 'parallelism');
  const failure = conditionOf(object, 'ReplicaFailure');
  return {
    read: { kind: 'object', of: kind, namespace, name },
    excerpt: [
      `wanted: ${wanted ?? 'default'}`,
      ...numbers,
      ...(failure === null
        ? []
        : [
            `condition ReplicaFailure=${failure.status} since ${failure.since ?? 'unknown'} (${failure.reason}: ${failure.message})`,
          ]),
    ].join('\n'),
  };
}
