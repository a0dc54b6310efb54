import type { FindingDraft } from '../analyzers/define.ts';
import type { Recommendation } from '../core/finding.ts';
import { timeText } from '../analyzers/fields.ts';
import type { Ranking } from './rank.ts';

type Advice = Omit<Recommendation, 'priority'>;

/** Reading is harmless and needs nobody's approval. */
const look = (action: string, rationale: string): Advice => ({
  action,
  rationale,
  risk_level: 'low',
  requires_approval: false,
});
/** Whatever changes the cluster needs one. */
const change = (action: string, rationale: string, risk: Advice['risk_level'] = 'medium'): Advice => ({
  action,
  rationale,
  risk_level: risk,
  requires_approval: true,
});

interface Place {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** `deployment/web` where the owner is known, else null. */
  readonly workload: string | null;
}

/** What to do about each category, most useful first. Commands are text: nothing here runs. */
const advice: Readonly<Record<string, (draft: FindingDraft, place: Place) => readonly Advice[]>> = {
  'oom-killed': (draft, { namespace, pod, container, workload }) => [
    ...(workload === null
      ? []
      : [
          change(
            `kubectl -n ${namespace} set resources ${workload} -c ${container} --limits=memory=<more than ${draft.facts['memory_limit'] ?? 'it needs now'}>`,
            'The container is killed whenever it needs more memory than its limit; if the need is real, the limit has to be higher.',
          ),
        ]),
    look(
      `kubectl -n ${namespace} top pod ${pod} --containers`,
      'Shows whether memory grows for ever (a leak) or to a level that the limit should allow.',
    ),
  ],
  'crash-loop': (_, { namespace, pod, container }) => [
    look(
      `kubectl -n ${namespace} logs ${pod} -c ${container} --previous`,
      'Shows the whole log of the run that ended.',
    ),
    look(
      `kubectl -n ${namespace} get pod ${pod} -o yaml`,
      'Shows the command, variables and mounts that the process was given.',
    ),
  ],
  'container-failed': (_, { namespace, pod, container }) => [
    look(`kubectl -n ${namespace} logs ${pod} -c ${container}`, 'Shows the whole log of the run that failed.'),
  ],
  'image-pull': (draft, { namespace, container, workload }) => [
    ...(workload === null
      ? []
      : [
          change(
            `kubectl -n ${namespace} set image ${workload} ${container}=<an image that exists>`,
            `Image ${draft.facts['image'] ?? ''} cannot be pulled: ${draft.facts['problem'] ?? 'see the finding'}.`,
          ),
        ]),
    look(
      'Check the tag in the registry, and when it was pushed.',
      'Tells a typing error from a build that did not push.',
    ),
  ],
  'config-error': (_, { namespace, pod }) => [
    look(
      `kubectl -n ${namespace} describe pod ${pod}`,
      'Shows which config map, secret or key the container refers to.',
    ),
    change(
      `Create what is missing in namespace ${namespace}, or correct the reference.`,
      'The container cannot be started before it exists.',
    ),
  ],
  'volume-mount': (_, { namespace, pod }) => [
    look(`kubectl -n ${namespace} describe pod ${pod}`, 'Shows the volume and the error of the mount.'),
  ],
  'sandbox-error': (_, { namespace, pod }) => [
    look(
      `kubectl -n ${namespace} describe pod ${pod}`,
      'Shows the error of the network plug-in or the container runtime.',
    ),
  ],
  pending: (_, { namespace, workload }) => [
    ...(workload === null
      ? []
      : [
          change(
            `Lower what ${workload} in namespace ${namespace} asks for, or add a node that has it.`,
            'No node satisfies what the pod asks for.',
          ),
        ]),
    look('kubectl describe nodes', 'Shows what each node can give and what is given already.'),
  ],
  evicted: (draft) => [
    look(
      `kubectl describe node ${draft.facts['node'] ?? ''}`.trim(),
      'Shows the pressure on the node, and what uses the resource.',
    ),
  ],
  'probe-failure': (_, { namespace, pod, container }) => [
    look(
      `kubectl -n ${namespace} logs ${pod} -c ${container || '<container>'}`,
      'Shows what the process did while the probe failed.',
    ),
    look(`kubectl -n ${namespace} describe pod ${pod}`, 'Shows the probe: path, port, time-out, threshold.'),
  ],
  'node-not-ready': (draft) => [
    look(`kubectl describe ${draft.object}`, 'Shows the conditions of the node, its taints and its pods.'),
    look('Check the machine and its kubelet.', 'A node that does not report cannot be helped through the API.'),
  ],
  'node-pressure': (draft) => [
    look(`kubectl describe ${draft.object}`, 'Shows which resource is short, and what uses it.'),
  ],
  'no-endpoints': (_, { namespace }) => [
    look(`kubectl -n ${namespace} get pods --show-labels`, 'Shows which labels the pods really have.'),
  ],
  'claim-pending': (_, { namespace }) => [
    look(`kubectl -n ${namespace} describe persistentvolumeclaims`, 'Shows the answer of the provisioner.'),
    look('kubectl get storageclasses', 'Shows which storage classes exist, and which is the default.'),
  ],
  'create-refused': (_, { namespace }) => [
    look(
      `kubectl -n ${namespace} describe resourcequotas`,
      'Shows the quotas of the namespace, the most frequent reason of a refusal.',
    ),
  ],
  'job-failed': (draft, { namespace }) => [
    look(`kubectl -n ${namespace} describe ${kindAndName(draft.object)}`, 'Shows the pods of the job and its limits.'),
  ],
  'rollout-stuck': (draft, { namespace }) => [
    look(
      `kubectl -n ${namespace} rollout status ${kindAndName(draft.object)} --timeout=5s`,
      'Shows what the rollout waits for.',
    ),
  ],
};

/** Recommendations for the cause, a rollback first where a change explains it; what to look at where there is none. */
export function recommend(ranking: Ranking): readonly Recommendation[] {
  const { cause, findings } = ranking;
  const first = cause ?? findings[0];
  const chosen =
    first === undefined
      ? []
      : [
          ...rollback(ranking),
          ...(advice[first.draft.category]?.(first.draft, placeOf(first.draft)) ?? generic(first.draft)),
        ];
  const all =
    chosen.length > 0
      ? chosen
      : [
          look(
            'Look at the open questions, and give this investigation what it could not read.',
            'Nothing that was read explains the alert.',
          ),
        ];
  return all.map((item, index) => ({ priority: index + 1, ...item }));
}

function rollback({ change: rollout, changes }: Ranking): readonly Advice[] {
  if (rollout === null) return [];
  const { namespace } = placeOf(rollout.draft);
  const { revision, previous_revision: previous, changed_at: at } = rollout.draft.facts;
  return [
    change(
      `kubectl -n ${namespace} rollout undo ${kindAndName(rollout.draft.object)} --to-revision=${previous}`,
      `Revision ${revision} was rolled out at ${timeText(at ?? null)} and changed: ${changes.map((one) => one.text).join('; ')}.`,
    ),
  ];
}

function generic(draft: FindingDraft): readonly Advice[] {
  const { namespace } = placeOf(draft);
  return [
    look(
      `kubectl ${namespace === '' ? '' : `-n ${namespace} `}describe ${kindAndName(draft.object)}`,
      'Shows the state and the events of the object.',
    ),
  ];
}

/** `pod/shop/web-1` -> `pod/web-1`, as kubectl takes it. */
function kindAndName(object: string): string {
  const parts = object.split('/');
  return `${parts[0]}/${parts.at(-1)}`;
}

function placeOf(draft: FindingDraft): Place {
  const parts = draft.object.split('/');
  const namespace = parts.length === 3 ? (parts[1] ?? '') : '';
  return { namespace, pod: parts.at(-1) ?? '', container: draft.facts['container'] ?? '', workload: workloadOf(draft) };
}

/** The object whose template makes the pod. A replica set's name is its deployment's plus the template's hash. */
function workloadOf(draft: FindingDraft): string | null {
  const [kind = '', name = ''] = (draft.facts['owner'] ?? '').split('/');
  const hash = draft.facts['pod_template_hash'];
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(`-${hash}`))
    return `deployment/${name.slice(0, -hash.length - 1)}`;
  return kind === 'StatefulSet' || kind === 'DaemonSet' ? `${kind.toLowerCase()}/${name}` : null;
}
