import type { Condition } from '../core/catalog.ts';
import type { Timestamp } from '../core/time.ts';
import type { ResourceObject } from './object.ts';
import { isBlocking } from './problem.ts';
import type { Issue } from './problem.ts';

/**
 * The conditions of an object: exactly one `Ready`, first, and the others behind it. What keeps a spec from being used
 * comes before everything else; several reasons are told by their first.
 */
export function conditions(
  title: string,
  issues: readonly Issue[],
  more: readonly Condition[],
  { brokenEdit, leavesAt }: Pick<ResourceObject, 'brokenEdit' | 'leavesAt'>,
): readonly Condition[] {
  const blocking = issues.filter(isBlocking);
  const notReady = more.filter(({ type }) => type === 'Ready');
  const others = more.filter(({ type }) => type !== 'Ready');
  const [first] = blocking;
  const ready: Condition =
    first === undefined
      ? (notReady[0] ?? { type: 'Ready', status: 'True', reason: 'Accepted', message: `${title} is in use` })
      : { type: 'Ready', status: 'False', reason: 'InvalidSpec', message: summary(blocking, first) };
  const edited = brokenEdit === undefined ? [] : [stalled(brokenEdit)];
  return [ready, ...others, ...doubtful(issues), ...edited, ...(leavesAt === undefined ? [] : [vanished(leavesAt)])];
}

/** The reason why it is not ready; null where it is. */
export function reasonOf(all: readonly Condition[]): string | null {
  const ready = all.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? null : (ready?.reason ?? 'Unknown');
}

/** Whether it says that something is not there that a part of the object needs: `SinksResolved`, `ModelsResolved`, `CommandsResolved`. */
export function isUnresolved({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return type.endsWith('Resolved') && status === 'False';
}

function summary(blocking: readonly Issue[], first: Issue): string {
  const rest = blocking.length > 1 ? ` (and ${blocking.length - 1} more; see fist lint)` : '';
  return `${first.message}${first.next === undefined ? '' : `; ${first.next}`}${rest}`;
}

/** What lint says of a spec that is used all the same: a field is ignored, a name is always empty. */
function doubtful(issues: readonly Issue[]): readonly Condition[] {
  const [first, ...more] = issues.filter((issue) => !isBlocking(issue));
  if (first === undefined) return [];
  return [{ type: 'Doubtful', status: 'True', reason: 'LintWarning', message: summary([first, ...more], first) }];
}

/** The condition of what vanished from the resources and is still in use. */
export const vanishedType = 'Vanished';

function vanished(leavesAt: Timestamp): Condition {
  const message = `it vanished from the resources; unless it comes back it is removed at ${leavesAt}, and a Source takes nothing until then`;
  return { type: vanishedType, status: 'True', reason: 'NotInResources', message };
}

function stalled(brokenEdit: string): Condition {
  const message = `${brokenEdit}; the last good version stays in use`;
  return { type: 'Stalled', status: 'True', reason: 'BrokenEdit', message };
}
