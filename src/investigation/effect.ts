import type { Advice } from '../analyzers/define.ts';

/** What a change does to the cluster, and the command that takes it back. Null where nothing is known. */
interface Effect {
  readonly changes: string | null;
  readonly undo: string | null;
}

/** Change, and what takes it back, of one kind of command. `$1` is where it acts (`kubectl -n shop`), `$2` on what. */
const effects: readonly (readonly [RegExp, string, string | null])[] = [
  [/^(kubectl -n \S+) rollout undo (\S+)/, 'replaces the pods of $2', '$1 rollout undo $2'],
  [/^(kubectl -n \S+) set (?:image|env|resources) (\S+)/, 'replaces the pods of $2', '$1 rollout undo $2'],
  [
    /^(kubectl -n \S+) edit ((?:deployment|statefulset|daemonset)\/\S+)/,
    'replaces the pods of $2',
    '$1 rollout undo $2',
  ],
  [/^(kubectl -n \S+) scale (\S+) --replicas=[1-9]\d*$/, 'gives $2 pods', '$1 scale $2 --replicas=0'],
  [/^(kubectl -n \S+) rollout resume (\S+)/, 'rolls out the waiting template of $2', '$1 rollout pause $2'],
  [/^(kubectl) uncordon (\S+)/, 'lets node $2 take pods', '$1 cordon $2'],
  [/^(kubectl -n \S+) delete pod (\S+?)(?:, .*)?$/, 'ends pod $2; its controller makes it again', null],
  [
    /^(kubectl -n \S+) patch (\S+) (?:--type=strategic )?--patch '\{"spec":\{"suspend":false\}\}'/,
    'lets $2 start',
    `$1 patch $2 --type=merge --patch '{"spec":{"suspend":true}}'`,
  ],
];

/** What an advice does and how to take it back. An undo that the advice itself knows better comes first. */
export function effectOf({ action, requires_approval: isChange, undo }: Advice): Effect {
  if (!isChange) return { changes: null, undo: null };
  for (const [command, changes, back] of effects) {
    const match = command.exec(action);
    if (match === null) continue;
    const filled = (text: string): string =>
      text.replace(/\$([12])/g, (_, group: string) => match[Number(group)] ?? '');
    return { changes: filled(changes), undo: undo ?? (back === null ? null : filled(back)) };
  }
  return { changes: null, undo: undo ?? null };
}
