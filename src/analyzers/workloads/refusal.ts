import type { KubernetesObject } from '../../core/cluster.ts';
import type { Timestamp } from '../../core/time.ts';
import { change, describeCommand, kindAndName, look, unreadyQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, Category, EventView, EvidenceDraft, FindingDraft, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { conditionOf, controllerOf, isOwnedBy, mapAt, numberAt, plural, timeAt } from '../reading/fields.ts';
import { refusalMessage, refusalOf } from './refusal-words.ts';
import type { Refusal, RefusalCategory } from './refusal-words.ts';
import { ownWords } from '../pods/runtime-words.ts';

const refused = (meaning: string, changes: RegExp | null, advice: Category['advice']): Category => ({
  meaning,
  nearness: 90,
  answers: [...unreadyQuestions, 'autoscaler'],
  changes,
  advice,
});
const describe =
  (rationale: string): Category['advice'] =>
  (draft) => [look(describeCommand(draft), rationale)];

const categories: Readonly<Record<RefusalCategory, Category>> = {
  'quota-exceeded': refused(
    'A quota of the namespace leaves no room for new objects.',
    /(?:request|limit)$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} describe resourcequota ${draft.facts['named'] ?? ''}`.trimEnd(),
        'Shows the quota and what is used of it; pods of other workloads count too.',
      ),
      change(
        `Raise quota ${draft.facts['named'] ?? ''} of namespace ${namespace}, or let ${kindAndName(draft.object)} ask for less.`,
        draft.facts['message'] ?? 'The quota leaves no room.',
      ),
    ],
  ),
  'quota-unset': refused(
    'A quota demands requests or limits that a pod does not have.',
    /(?:request|limit)$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} describe resourcequota,limitrange`,
        'Shows for which resources the quota demands amounts, and whether a limit range gives defaults.',
      ),
      change(
        `Give every container of ${kindAndName(draft.object)} in namespace ${namespace} the requests and limits that the quota counts.`,
        'A quota on a resource refuses pods that do not say how much of it they take.',
      ),
    ],
  ),
  'limit-range': refused(
    'A limit range of the namespace does not allow what a pod asks for.',
    /(?:request|limit)$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} describe limitranges`,
        'Shows the least and the most that a container or a pod may have.',
      ),
      change(
        `Change the requests and limits of ${kindAndName(draft.object)} in namespace ${namespace}, or the limit range.`,
        draft.facts['message'] ?? 'The limit range does not allow them.',
      ),
    ],
  ),
  'service-account-missing': refused(
    'The service account of a pod does not exist.',
    /^service account$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} get serviceaccounts`,
        'Shows which service accounts exist: a wrong name is more common than a lost one.',
      ),
      change(
        `Create service account ${draft.facts['named'] ?? ''} in namespace ${namespace}, or correct serviceAccountName of ${kindAndName(draft.object)}.`,
        'Pods are not created for a service account that does not exist.',
      ),
    ],
  ),
  'pod-security-refused': refused(
    'The security rules of the namespace (PodSecurity, SCC, PSP) do not allow a pod.',
    /^(?:security context|host network|volumes|ports|container|image|service account)$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} get ${kindAndName(draft.object)} -o jsonpath='{.spec.template.spec.securityContext}{.spec.template.spec.containers[*].securityContext}'`,
        'Shows the security context that the rules refuse.',
      ),
      change(
        `Correct the security context of ${kindAndName(draft.object)} in namespace ${namespace} as the message says, or let the namespace have another level.`,
        draft.facts['message'] ?? 'The security rules refuse it.',
      ),
    ],
  ),
  'admission-denied': refused('An admission policy or webhook refuses a pod.', /./, (draft, { namespace }) => [
    look(
      `Compare the labels and the pod template with policy ${draft.facts['named'] ?? ''}: kubectl -n ${namespace} get ${kindAndName(draft.object)} -o yaml`,
      'The policy says in its message what it misses.',
    ),
    change(
      `Give the pods of ${kindAndName(draft.object)} in namespace ${namespace} what policy ${draft.facts['named'] ?? ''} asks for.`,
      draft.facts['message'] ?? 'The policy refuses them.',
    ),
  ]),
  'webhook-unreachable': refused('An admission webhook does not answer, and so nothing is created.', null, (draft) => [
    look(
      draft.facts['service'] === undefined
        ? `kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations`
        : `Look at what answers for webhook ${draft.facts['named'] ?? ''}: kubectl -n ${draft.facts['service'].split('/')[0]} get service,endpointslices,pods`,
      `Shows whether the pods behind webhook ${draft.facts['named'] ?? ''} run and are ready.`,
    ),
  ]),
  'class-missing': refused(
    'The priority class or the runtime class of a pod does not exist.',
    /^priority class$/,
    (draft, { namespace }) => [
      look('kubectl get priorityclasses,runtimeclasses', 'Shows which classes exist.'),
      change(
        `Create ${draft.facts['named'] ?? 'the class'}, or correct the name in ${kindAndName(draft.object)} of namespace ${namespace}.`,
        'Pods are not created for a class that does not exist.',
      ),
    ],
  ),
  'namespace-ending': refused('The namespace is being deleted.', null, (_, { namespace }) => [
    look(`kubectl get namespace ${namespace} -o yaml`, 'Shows since when it is being deleted, and what holds it.'),
  ]),
  'not-permitted': refused(
    'A controller may not create what it has to.',
    null,
    describe('Shows who is refused and what; its roles are missing.'),
  ),
  'pod-invalid': refused(
    'The template of a workload makes objects that are invalid.',
    /./,
    describe('Shows the field that is invalid.'),
  ),
  'api-server-fault': refused(
    'The API server or its database fails.',
    null,
    describe('Shows the answers of the API server.'),
  ),
  'create-refused': refused(
    'The API server refuses the pods of a workload.',
    /./,
    describe('Shows the answer of the API server.'),
  ),
};

/** Workloads whose pods (or claims, or jobs) the API server refuses: quotas, limits, admission, service accounts. */
export const refusal = defineAnalyzer({
  name: 'refusal',
  kinds: ['deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'cronjob'],
  explains: ['FailedCreate', 'ReplicaSetCreateError'],
  categories,
  async run(io, target) {
    if (await isToldByOwner(io, target)) return [];
    const makers = [target, ...(await newestReplicaSet(io, target))];
    if (!makers.some(({ object }) => lacksObjects(object))) return [];
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
function lacksObjects(object: KubernetesObject): boolean {
  if (conditionOf(object, 'ReplicaFailure')?.status === 'True' || progressFailure(object) !== null) return true;
  // Of what could not be read only its events speak.
  if (object.spec === undefined && object.status === undefined) return true;
  const status = (field: string): number => numberAt(object, 'status', field) ?? 0;
  switch (object.kind) {
    case 'DaemonSet':
      return (
        (numberAt(object, 'status', 'currentNumberScheduled') ?? status('numberReady')) <
        status('desiredNumberScheduled')
      );
    case 'Job':
      return (
        object.spec?.['suspend'] !== true &&
        !['Complete', 'Failed'].some((type) => conditionOf(object, type)?.status === 'True') &&
        status('active') < (numberAt(object, 'spec', 'parallelism') ?? 1)
      );
    case 'CronJob':
      return object.spec?.['suspend'] !== true;
    default:
      return (numberAt(object, 'status', 'replicas') ?? 0) < (numberAt(object, 'spec', 'replicas') ?? 1);
  }
}

/** The replica set of the newest revision makes the pods of a deployment. */
async function newestReplicaSet(io: AnalyzerIo, { kind, namespace, object }: Target): Promise<readonly Target[]> {
  if (kind !== 'deployment') return [];
  const listed = await io.list('replicasets', namespace);
  const revision = (set: KubernetesObject): number =>
    Number(set.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0) || 0;
  const [newest] = (listed.kind === 'ok' ? listed.value : [])
    .filter((set) => isOwnedBy(set, object))
    .sort((one, other) => revision(other) - revision(one));
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
