import { timeText } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { look } from '../advice.ts';
import type { Advice, AnalyzerIo, EventView, EvidenceDraft, FindingDraft, Target } from '../define.ts';
import { listAt, textAt, timeAt } from '../reading/fields.ts';
import { quote } from '../reading/quote.ts';
import { networkAgents } from './node-agents.ts';
import { notReadySince } from './node-conditions.ts';

/** What to look at on the machine, by what its kubelet says. */
export function nextOnNode({ facts }: FindingDraft, name: string): Advice {
  if (facts['part'] === 'network')
    return look(
      `kubectl -n kube-system get pods -o wide --field-selector spec.nodeName=${name}`,
      'Shows the network plugin on the node: without it the node has no pod network.',
    );
  if (facts['part'] === 'runtime')
    return look(
      `On ${name}: systemctl status containerd (or crio, docker), and journalctl -u containerd --since -1h.`,
      'The kubelet says that the container runtime of the node does not answer.',
    );
  return look(
    `On ${name}: is the machine up and reachable, and what do systemctl status kubelet and journalctl -u kubelet --since -1h say?`,
    'A node that does not report cannot be helped through the API.',
  );
}

/** What part of a node its kubelet's message speaks of. */
function partOf(message: string, events: readonly EventView[]): { readonly part: string; readonly words: string } {
  if (/network ?(?:plugin)?.{0,20}not ready|NetworkReady=false|cni\b/i.test(message))
    return { part: 'network', words: 'its pod network (CNI) is not ready' };
  const socket = events.findLast(({ message: text }) => /(?:containerd|crio|dockershim|docker)\.sock/.test(text));
  if (/container runtime|runtime is down|PLEG|rpc error/i.test(message)) {
    const runtime = /(containerd|crio|docker)/.exec(socket?.message ?? '')?.[1];
    return {
      part: 'runtime',
      words: `its container runtime${runtime === undefined ? '' : ` (${runtime})`} does not answer`,
    };
  }
  return { part: 'kubelet', words: '' };
}

/** That a node is not ready, and what its kubelet says of it, or that it is silent. */
export async function notReady(
  io: AnalyzerIo,
  target: Target,
  events: readonly EventView[],
  evidence: readonly EvidenceDraft[],
): Promise<readonly FindingDraft<'node-not-ready'>[]> {
  const ready = notReadySince(target.object);
  if (ready === null) return [];
  const { name } = target;
  const silent = ready.status !== 'False';
  const heartbeat = heartbeatOf(target);
  const { part, words } = silent ? { part: 'kubelet', words: '' } : partOf(ready.message, events);
  const message = quote(ready.message, 250) || ready.reason;
  const why = silent
    ? `its kubelet ${ready.reason === 'NodeStatusNeverUpdated' ? 'has never reported' : 'does not report any more'}${heartbeat === null ? '' : `, last at ${timeText(heartbeat)}`} (${ready.reason || 'Unknown'}${ready.message === '' ? '' : `: ${message.replace(/\.$/, '')}`})`
    : `${words === '' ? '' : `${words}, `}${ready.reason}: ${message.replace(/\.$/, '')}`;
  const agents = part === 'network' ? await networkAgents(io, name, ready.message) : null;
  const text = `Node ${name} is not ready since ${timeText(ready.at)}: ${why}.${agents?.note ?? ''}`;
  return [
    {
      category: 'node-not-ready',
      severity: 'critical',
      object: `node/${name}`,
      description: text,
      cause: text,
      decisive: true,
      when: { from: ready.at, until: null, source: 'condition Ready' },
      facts: { reason: ready.reason, status: ready.status, part },
      evidence: [...evidence, ...(agents?.evidence ?? [])],
      pointers: agents?.pointers ?? [],
    },
  ];
}

function heartbeatOf({ object }: Target): Timestamp | null {
  const ready = listAt(object, 'status', 'conditions').find((condition) => textAt(condition, 'type') === 'Ready');
  return timeAt(ready, 'lastHeartbeatTime');
}
