import type { KubernetesObject } from '../../core/cluster.ts';
import { timeText, toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { change, look } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { FindingDraft, Target } from '../define.ts';
import { between, controllerOf, textAt } from '../reading/fields.ts';
import { containersOf, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';

/** Containers that serve the others of their pod, by the names that their makers give them. */
const sidecars =
  /^(?:istio-proxy|linkerd-proxy|consul-.*|envoy.*|kuma-sidecar|dapr?d|cloud-?sql-proxy|csql-proxy|alloydb-auth-proxy|vault-agent.*|queue-proxy|.*sidecar.*|.*-proxy|fluent-?(?:bit|d)|filebeat|promtail|vector|otel-.*|datadog-.*|aws-otel.*|log-?(?:shipper|agent|router)|xray-daemon|oauth2-proxy|gcsfuse.*|gke-gcsfuse.*)$/;
/** A container that ended well this long before the others is not merely a little earlier than they. */
const longMs = 15 * 60_000;

/** Pods of jobs whose work is done and that go on, because a container beside the work does not end. */
export const podHeld = defineAnalyzer({
  name: 'pod-held',
  kinds: ['pod'],
  explains: [],
  categories: {
    'held-by-sidecar': {
      meaning: 'The work of a Job is done, and a container beside it runs on, so that the Job never completes.',
      happened: 'did its work and did not end',
      nearness: 90,
      answers: ['job', 'unready'],
      changes: /^(?:container|image|command|environment|environment sources|restart policy)$/,
      advice: (draft, { namespace, pod }) => [
        look(
          `kubectl -n ${namespace} logs ${pod} -c ${draft.facts['held_by']} --tail=50`,
          'Shows what the container that runs on does.',
        ),
        change(
          `Make ${draft.facts['held_by']} an init container with restartPolicy: Always in the template of the job (a native sidecar), or let the work end it (quitquitquit of the proxy).`,
          'A pod is complete only when every plain container has ended.',
        ),
      ],
    },
  },
  async run(io, target) {
    const pod = target.object;
    if (controllerOf(pod)?.kind !== 'Job' || textAt(pod, 'status', 'phase') !== 'Running') return [];
    const held = holding(pod, io.now);
    return held === null ? [] : [finding(target, held, io.now)];
  },
});

interface Held {
  readonly done: ContainerView;
  readonly since: Timestamp;
  readonly by: readonly ContainerView[];
  /** The container that runs on is one that serves others. */
  readonly known: boolean;
}

/** The work that is done and what runs on; null where all of it may still be work. */
function holding(pod: KubernetesObject, now: Timestamp): Held | null {
  const plain = containersOf(pod).filter(({ init }) => !init);
  const by = plain.filter(({ running }) => running);
  const done = plain.filter(({ terminated }) => terminated !== null && terminated.finishedAt !== null);
  const known = by.every(({ name }) => sidecars.test(name));
  const last = done.reduce<ContainerView | null>(
    (one, other) => ((one?.terminated?.finishedAt ?? '') > (other.terminated?.finishedAt ?? '') ? one : other),
    null,
  );
  const since = last?.terminated?.finishedAt ?? null;
  if (last === null || since === null || by.length === 0 || by.length + done.length < plain.length) return null;
  if (last.terminated?.exitCode !== 0 && !known) return null;
  const waits = toEpochMs(now) - toEpochMs(since);
  return known || waits > longMs ? { done: last, since, by, known } : null;
}

function finding(target: Target, held: Held, now: Timestamp): FindingDraft<'held-by-sidecar'> {
  const { done, since, by, known } = held;
  const code = done.terminated?.exitCode ?? null;
  const job = controllerOf(target.object)?.name ?? '';
  const names = by.map(({ name }) => name).join(', ');
  const ended = code === 0 ? 'completed' : `ended with exit code ${code}`;
  const text = `Container ${done.name} of pod ${target.name} ${ended} at ${timeText(since)} (${between(since, now) ?? ''} earlier), and container ${names} beside it runs on: so the pod does not end, and job ${job} never completes.`;
  return {
    category: 'held-by-sidecar',
    severity: 'high',
    object: objectName('pod', target.namespace, target.name),
    description: text,
    cause: text,
    decisive: known || code === 0,
    when: { from: since, until: null, source: `status of container ${done.name}` },
    facts: { ...podFacts(target.object), container: done.name, held_by: by[0]?.name ?? '' },
    evidence: [podEvidence(target)],
  };
}
