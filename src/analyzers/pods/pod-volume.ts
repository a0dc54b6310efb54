import type { KubernetesObject } from '../../core/cluster.ts';
import { plural } from '../../lib/words.ts';
import { change, describeCommand, look, unreadyQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, Category, EventView, FindingDraft, Pointer, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { claimsOf, usesClaim } from '../reading/claims.ts';
import { listAt, textAt } from '../reading/fields.ts';
import { driverAgents } from '../nodes/node-agents.ts';
import { isOnlyTimeout, mountProblem, volumeOf } from './mount-words.ts';
import type { MountCategory } from './mount-words.ts';
import { isCreating, isOvercome } from './pod-creating.ts';
import { podEvidence, podFacts } from './pod-status.ts';
import { keysOf, missingReference, missingText, makersOf } from '../reading/references.ts';
import type { MissingReference } from '../reading/references.ts';
import { ownWords } from './runtime-words.ts';

const mount = (meaning: string, happened: string, action: Category['advice']): Category => ({
  meaning,
  happened,
  nearness: 90,
  answers: unreadyQuestions,
  changes: /^(?:volumes|volume mounts|volume devices)$/,
  advice: action,
});
const describe =
  (rationale: string): Category['advice'] =>
  (draft) => [look(describeCommand(draft), rationale)];

const categories: Readonly<Record<MountCategory | 'volume-source-missing', Category>> = {
  'volume-source-missing': mount(
    'A config map, a secret or a key that a volume refers to does not exist.',
    'could not mount a volume',
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} get ${draft.facts['missing_kind'] === 'secret' ? 'secrets' : 'configmaps'}`,
        'Shows which ones exist: a wrong name is more common than a lost object.',
      ),
      change(
        `Create ${draft.facts['missing'] ?? 'what is missing'} in namespace ${namespace}, or correct the volume that refers to it.`,
        'The volume cannot be mounted before it exists.',
      ),
    ],
  ),
  'volume-in-use': {
    ...mount(
      'A volume is still attached to another node.',
      'could not get its volume',
      (draft, { namespace, workload }) => [
        look(
          'kubectl get volumeattachments',
          'Shows to which node the volume is attached, and whether it is being detached.',
        ),
        look(
          `kubectl -n ${namespace} get pods -o wide`,
          `Shows which pods use the volume${draft.facts['held_by'] === undefined ? '' : ` (${draft.facts['held_by']})`} and on which nodes: one that can be attached to one node only moves when they have ended.`,
        ),
        ...(workload?.startsWith('deployment/') === true && draft.facts['held_by']?.includes('being deleted') === false
          ? [
              change(
                `Give ${workload} in namespace ${namespace} the strategy Recreate.`,
                'With a rolling update the new pod waits for the volume of the old one, which waits for the new one to be ready.',
              ),
            ]
          : []),
      ],
    ),
    changes: null,
  },
  'volume-attach': {
    ...mount(
      'A volume cannot be attached to the node.',
      'could not get its volume',
      describe('Shows the volume and what the storage answers; then look at the attachments of the node.'),
    ),
    changes: null,
  },
  'volume-mount': mount(
    'A volume cannot be mounted.',
    'could not mount its volume',
    describe('Shows the volume and the error of the mount.'),
  ),
  'volume-access': mount(
    'Access to the storage behind a volume is denied.',
    'could not mount its volume',
    describe('Shows the volume and who is refused: compare with the exports, roles or keys of the storage.'),
  ),
  'volume-damaged': {
    ...mount(
      'The file system of a volume is damaged or of another type.',
      'could not mount its volume',
      describe('Shows the volume and the error.'),
    ),
    changes: null,
  },
  'volume-driver': {
    ...mount('The node lacks the driver of a volume.', 'could not mount its volume', (draft) => [
      look(
        `kubectl get csinode ${draft.facts['node'] ?? ''} -o yaml`,
        'Shows which CSI drivers are registered on the node; the pods of the driver have to run there.',
      ),
    ]),
    changes: null,
  },
  'claim-missing': mount(
    'The claim of a volume does not exist or is not bound.',
    'could not get its volume',
    (_, { namespace }) => [
      look(`kubectl -n ${namespace} get persistentvolumeclaims`, 'Shows the claims that exist, and which are bound.'),
    ],
  ),
};

const reasons = ['FailedMount', 'FailedAttachVolume', 'FailedMapVolume'];

/** Pods on a node whose volumes cannot be attached or mounted. */
export const podVolume = defineAnalyzer({
  name: 'pod-volume',
  kinds: ['pod'],
  explains: reasons,
  categories,
  async run(io, target) {
    if (!isCreating(target.object)) return [];
    const events = await io.events(target);
    const attached = events.findLast(({ reason }) => reason === 'SuccessfulAttachVolume')?.last ?? '';
    const failures = events.filter(
      ({ type, reason, last }) =>
        type === 'Warning' && reasons.includes(reason) && !(reason === 'FailedAttachVolume' && attached > (last ?? '')),
    );
    // That the waiting took too long follows from what was said before, however long ago.
    const telling = failures.findLast(({ message }) => !isTransient(message)) ?? failures.at(-1);
    // The sandbox comes after the volumes: where it fails later, they were mounted.
    const sandbox = events.findLast(({ reason }) => reason === 'FailedCreatePodSandBox');
    const isOver = (sandbox?.last ?? '') > (failures.at(-1)?.last ?? '');
    return telling === undefined || isOver || isOvercome(failures.at(-1), events)
      ? []
      : [await finding(io, target, telling, events)];
  },
});

/** Time-outs, attempts that wait for an earlier one, and what the kubelet says while its cache of secrets fills. */
function isTransient(message: string): boolean {
  return (
    isOnlyTimeout(message) ||
    /failed to sync (?:secret|configmap) cache|" not registered$|operation with the given Volume.{0,300}already exists/.test(
      message,
    )
  );
}

async function finding(
  io: AnalyzerIo,
  target: Target,
  event: EventView,
  events: readonly EventView[],
): Promise<FindingDraft<MountCategory | 'volume-source-missing'>> {
  const { object: pod, namespace, name } = target;
  const missing = withName(missingReference(event.message), pod, volumeOf(event.message));
  const { category, words } = mountProblem(event.reason, event.message);
  const volume = volumeOf(event.message);
  const claim = claimOf(pod, event.message, volume);
  const node = textAt(pod, 'spec', 'nodeName');
  const [keys, holders, agents] = await Promise.all([
    keysOf(io, target, missing),
    category === 'volume-in-use' ? holdersOf(io, target, claim, event.message) : [],
    driverAgents(io, node, event.message),
  ]);
  const isTimeout = isTransient(event.message);
  const what = volume === '' ? 'a volume' : `volume ${volume}`;
  const held = holders.length === 0 ? '' : `, where ${holders.map(holderText).join(' and ')} uses it`;
  const why = missing === null ? `${words}${held}` : missingText(missing, namespace);
  const cause = `Pod ${name} cannot start: ${what} cannot be mounted: ${isTimeout ? 'only a time-out is told' : why} (${ownWords(event.message)}).${agents.note}`;
  return {
    category: missing === null ? category : 'volume-source-missing',
    severity: 'high',
    object: objectName('pod', namespace, name),
    description: `Pod ${name} is scheduled and does not start: ${what} cannot be mounted (${event.reason}, ${plural(event.count, 'time')}): ${why} (${ownWords(event.message)}).${keys.note}${agents.note}`,
    cause,
    decisive: !isTimeout,
    when: { from: event.first, until: null, source: `event ${event.reason}` },
    facts: {
      ...podFacts(pod),
      reason: event.reason,
      message: `${what}: ${why}`,
      ...(volume === '' ? {} : { volume }),
      ...(node === '' ? {} : { node }),
      ...(claim === '' ? {} : { claim }),
      ...(holders.length === 0 ? {} : { held_by: holders.map(holderText).join(', ') }),
      ...(missing === null ? {} : { missing_kind: missing.kind, missing: `${missing.kind} ${missing.name}` }),
    },
    evidence: [
      eventsEvidence(target, events),
      podEvidence(target),
      ...keys.evidence,
      ...agents.evidence,
      ...holders.flatMap(({ pod: holder }) => (holder === null ? [] : [podEvidence(targetOf(target, holder))])),
    ],
    pointers: [
      ...agents.pointers,
      ...makersOf(missing, namespace),
      ...pointersOf(namespace, category === 'claim-missing' ? claim : '', holders),
    ],
  };
}

/** A message that names only a key: the config map or the secret of the volume that it names. */
function withName(missing: MissingReference | null, pod: KubernetesObject, volume: string): MissingReference | null {
  if (missing === null || missing.name !== '') return missing;
  const found = listAt(pod, 'spec', 'volumes').find((one) => textAt(one, 'name') === volume);
  const sources = [found, ...listAt(found, 'projected', 'sources')];
  const names = sources.flatMap((source) =>
    missing.kind === 'secret'
      ? [textAt(source, 'secret', 'secretName'), textAt(source, 'secret', 'name')]
      : [textAt(source, 'configMap', 'name')],
  );
  return { ...missing, name: names.find((name) => name !== '') ?? '' };
}

/** The claim behind the volume that a message names: by the volume's name in the pod, or the only one that the pod has. */
function claimOf(pod: KubernetesObject, message: string, volume: string): string {
  const named = /persistentvolumeclaims? "([^"]{1,253})"|PVC [^\s/]{1,63}\/([^\s:]{1,253})/.exec(message);
  const claims = claimsOf(pod);
  const own = claims.find((one) => one.volume === volume) ?? (claims.length === 1 ? claims[0] : undefined);
  return named?.[1] ?? named?.[2] ?? own?.claim ?? '';
}

/** A pod that uses the volume; `pod` is null where it is only named. */
interface Holder {
  readonly name: string;
  readonly pod: KubernetesObject | null;
}

/** Other pods that use the volume: those that the message names, else those on other nodes with the same claim. */
async function holdersOf(io: AnalyzerIo, target: Target, claim: string, message: string): Promise<readonly Holder[]> {
  const named = (/used by pod\(?s?\)? ([^"]{1,500})/i.exec(message)?.[1] ?? '')
    .split(/[\s,]+/)
    .filter((name) => /^[a-z0-9][a-z0-9.-]*$/.test(name));
  const listed = await io.list('pods', target.namespace);
  const pods = listed.kind === 'ok' ? listed.value : [];
  if (named.length > 0)
    return named.map((name) => ({ name, pod: pods.find(({ metadata }) => metadata.name === name) ?? null }));
  if (claim === '') return [];
  return pods
    .filter(
      (pod) =>
        pod.metadata.name !== target.name &&
        !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase')) &&
        !['', textAt(target.object, 'spec', 'nodeName')].includes(textAt(pod, 'spec', 'nodeName')) &&
        usesClaim(pod, claim),
    )
    .slice(0, 3)
    .map((pod) => ({ name: pod.metadata.name, pod }));
}

/** `pod files-1 on node n2, which is being deleted,`. */
function holderText({ name, pod }: Holder): string {
  const node = textAt(pod, 'spec', 'nodeName');
  const ending = pod?.metadata.deletionTimestamp === undefined ? '' : ', which is being deleted,';
  return `pod ${name}${node === '' ? '' : ` on node ${node}`}${ending}`;
}

const targetOf = (via: Target, pod: KubernetesObject): Target => ({
  kind: 'pod',
  namespace: via.namespace,
  name: pod.metadata.name,
  object: pod,
  relation: 'points at',
  via,
});

/** A pod that holds a volume explains that it does only where it cannot end. */
function pointersOf(namespace: string | null, claim: string, holders: readonly Holder[]): readonly Pointer[] {
  return [
    ...(claim === '' ? [] : [{ kind: 'persistentvolumeclaim', namespace, name: claim } as const]),
    ...holders.flatMap(({ name, pod }): readonly Pointer[] => {
      if (pod?.metadata.deletionTimestamp === undefined) return [];
      const node = textAt(pod, 'spec', 'nodeName');
      return [
        ...(node === '' ? [] : [{ kind: 'node', namespace: null, name: node } as const]),
        { kind: 'pod', namespace, name },
      ];
    }),
  ];
}
