import { plain } from '../../lib/printable.ts';
import { filterText } from './filters.ts';
import type { FilterName } from './filters.ts';

interface Count {
  readonly count: number;
  readonly more: boolean;
}

/** What the API says of an empty list of alerts. */
export interface EmptyAnswer {
  readonly empty?: {
    readonly stored: Count;
    /** The namespace beyond which the caller may not look. */
    readonly within?: string;
    readonly without: readonly (Count & { readonly parameter: string; readonly value: string })[];
  };
}

/** Which filters leave nothing, and how many alerts there are without each of them. */
export function emptyAlerts({ empty }: EmptyAnswer): string {
  if (empty === undefined) return 'no alerts';
  const { stored, within, without } = empty;
  if (stored.count === 0 && within !== undefined)
    return `no alert has come in yet to a Source in namespace ${plain(within)}; you may look in no other; next: fist get sources -n ${plain(within)}`;
  if (stored.count === 0) return 'no alert has come in yet; next: fist send alert --name TestAlert';
  if (without.length === 1 && without[0]?.parameter === 'status')
    return `no ${plain(without[0].value)} alerts; ${countText(stored)} with any status; next: fist get alerts --all`;
  const lines = without.map(
    ({ parameter, value, ...count }) => `  without ${flagText(parameter, value)}: ${countText(count)}`,
  );
  const all = without.some(({ parameter }) => parameter === 'namespace') ? '--all -A' : '--all';
  return [`no alerts match; of ${countText(stored)} in all,`, ...lines, `next: fist get alerts ${all}`].join('\n');
}

/** `-n shop`, as the person gave it; an open status was not given. */
function flagText(parameter: string, value: string): string {
  if (parameter === 'status' && value === 'open') return 'the limit to open ones (--all)';
  return filterText(parameter as FilterName, value);
}

function countText({ count, more }: Count): string {
  return more ? `${count} or more` : String(count);
}
