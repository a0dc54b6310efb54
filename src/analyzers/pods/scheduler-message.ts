/** Why a node does not take a pod, as far as what to do about it differs. */
export type ReasonKind =
  | 'resource'
  | 'pods'
  | 'ports'
  | 'taint'
  | 'node-condition'
  | 'selector'
  | 'affinity'
  | 'spread'
  | 'volume'
  | 'claim'
  | 'device'
  | 'cordoned'
  | 'control-plane'
  | 'no-nodes'
  | 'other';

/** A reason of the scheduler, and for how many nodes it holds. */
export interface Reason {
  readonly kind: ReasonKind;
  readonly count: number;
  /** The scheduler's own words. */
  readonly text: string;
  /** The resource, or the claim, that it names; empty where it names none. */
  readonly named: string;
}

/** Taints that a node has because something is wrong with it. */
const conditionTaint =
  /(?:node\.kubernetes\.io\/(?:not-ready|unreachable|memory-pressure|disk-pressure|pid-pressure|network-unavailable|out-of-service)|node\.cloudprovider\.kubernetes\.io\/(?:uninitialized|shutdown)|agent-not-ready|ToBeDeletedByClusterAutoscaler|karpenter\.sh\/(?:disrupted|disruption|unregistered))/;
const controlPlaneTaint = /node-role\.kubernetes\.io\/(?:control-plane|master)|CriticalAddonsOnly/;

/** Words of the scheduler from 1.16 on; the first that fits holds. */
const kinds: readonly (readonly [RegExp, ReasonKind])[] = [
  [/persistentvolumeclaims? "(?<named>[^"]{1,253})" (?:not found|is being deleted|bound to non-existent)/i, 'claim'],
  [/unbound (?:immediate )?PersistentVolumeClaims|binding volumes/i, 'claim'],
  [/waiting for ephemeral volume controller to create the persistentvolumeclaim "(?<named>[^"]{1,253})"/i, 'claim'],
  [/pvc\(?s?\)? bound to non-existent pv|find available persistent volumes to bind/i, 'claim'],
  [/Insufficient (?<named>[\w./-]{1,253})/, 'resource'],
  [/Too many pods/i, 'pods'],
  [/free ports for the requested pod ports/i, 'ports'],
  [/taints?\b/i, 'taint'],
  [/topology spread constraints/i, 'spread'],
  [/anti-affinity|pod affinity/i, 'affinity'],
  [/node affinity\/selector|node selector|(?:Pod's )?node affinity|requested (?:node name|hostname)/i, 'selector'],
  [/volume|free storage|disk/i, 'volume'],
  [/resource ?claim|allocate (?:all )?claims|DRA\b/i, 'device'],
  [/were unschedulable/i, 'cordoned'],
  [/no nodes available/i, 'no-nodes'],
];

function reasonOf(text: string, count: number): Reason {
  const found = kinds
    .map(([pattern, kind]) => ({ kind, match: pattern.exec(text) }))
    .find(({ match }) => match !== null);
  const kind = found?.kind ?? 'other';
  const isVolumeConflict = kind === 'selector' && /volume node affinity conflict/i.test(text);
  return {
    kind: isVolumeConflict ? 'volume' : kind === 'taint' ? taintKind(text) : kind,
    count,
    text,
    named: found?.match?.groups?.['named'] ?? '',
  };
}

function taintKind(text: string): ReasonKind {
  if (conditionTaint.test(text)) return 'node-condition';
  return controlPlaneTaint.test(text) ? 'control-plane' : 'taint';
}

/** What keeps nodes out by intent, or follows from somebody's work on them: said last where something else keeps others. */
const lesser: Readonly<Partial<Record<ReasonKind, number>>> = { selector: 1, cordoned: 2, 'control-plane': 3 };

/** What the scheduler says of a pod, taken apart. */
export interface Verdict {
  /** The reasons, what tells most first: what holds for most nodes, and what keeps nodes out by intent last. */
  readonly reasons: readonly Reason[];
  /** The scheduler's own sentence, with its reasons in that order. */
  readonly sentence: string;
}

/** Takes a message of the scheduler apart; the part about preemption is left out. */
export function schedulerVerdict(message: string): Verdict {
  const line = message.replace(/\s+/g, ' ').trim();
  const found = /^(?<head>\d+\/(?<total>\d+) nodes? (?:are|is) available): (?<rest>.*)$/s.exec(line)?.groups;
  const rest = withoutPreemption(found?.['rest'] ?? line);
  const total = Number(found?.['total'] ?? 0);
  const reasons = rest
    .split(/, (?=\d+ )/)
    .map((part) => {
      const counted = /^(\d+) (.*)$/s.exec(part);
      return reasonOf(counted?.[2] ?? part, counted === null ? total : Number(counted[1]));
    })
    .sort((one, other) => (lesser[one.kind] ?? 0) - (lesser[other.kind] ?? 0) || other.count - one.count);
  const told =
    found === undefined ? rest : `${found['head']}: ${reasons.map((reason) => wordsOf(reason, rest)).join(', ')}`;
  return { reasons, sentence: told === '' ? '' : `${told}.` };
}

/** Reasons that hold before any node is looked at have no count. */
function wordsOf({ count, text }: Reason, rest: string): string {
  return rest.includes(`${count} ${text}`) ? `${count} ${text}` : text;
}

function withoutPreemption(text: string): string {
  return text
    .replace(/(?:^|[.,] )(?:preemption: |no new claims to deallocate|still not schedulable).*$/s, '')
    .replace(/\.+$/, '')
    .trim();
}
