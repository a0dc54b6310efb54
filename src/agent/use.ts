import type { ModelUse } from '../core/finding.ts';
import { dollarsText } from '../lib/dollars.ts';
import { plural } from '../lib/words.ts';
import type { CheckedReport } from './check.ts';
import { endReasons } from './contents.ts';
import { spentOf } from './conversation.ts';
import type { Conversation } from './conversation.ts';

/** What a conversation did and cost, for the report. */
export function useOf(state: Conversation, checked: CheckedReport | null, isPriceKnown: boolean): ModelUse {
  const spent = spentOf(state);
  const wasted = state.calls.filter(({ result: { status } }) => status === 'no_data' || status === 'denied').length;
  const ended = state.closed?.ended ?? 'Aborted';
  const detail = state.closed?.detail ?? '';
  const failures = state.failure === null ? '' : ` (${state.failure.reason})`;
  const reason = `${endReasons[ended]}${failures}${detail === '' ? '' : `: ${detail}`}`;
  const cost = isPriceKnown ? spent.costMicros / 1_000_000 : null;
  const used = [
    plural(spent.turns, 'request'),
    plural(spent.toolCalls, 'tool call'),
    plural(spent.tokens, 'token'),
    cost === null ? 'price unknown' : dollarsText(spent.costMicros),
  ].join(', ');
  const dropped = checked?.dropped ?? 0;
  const left = dropped === 0 ? '' : ` ${plural(dropped, 'statement')} without evidence left out.`;
  return {
    ended,
    note: `${reason}; ${used}.${left}`,
    requests: spent.turns,
    tool_calls: spent.toolCalls,
    wasted_calls: wasted,
    tokens: spent.tokens,
    cost_dollars: cost,
    dropped,
  };
}
