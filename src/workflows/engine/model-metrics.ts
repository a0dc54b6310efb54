import type { Contents } from '../../agent/contents.ts';
import type { NewAgentEvent } from '../../core/agent-event.ts';
import type { Metrics } from '../../core/metrics.ts';

/** Counts what models did and cost, once it is committed. */
export function countAgentEvents(metrics: Pick<Metrics, 'increment'>, events: readonly NewAgentEvent[]): void {
  for (const event of events) {
    const { kind, content } = event;
    if (kind === 'answered') countAnswer(metrics, event, content as unknown as Contents['answered']);
    else if (kind === 'failed') countFailure(metrics, event, content as unknown as Contents['failed']);
    else if (kind === 'called') countCall(metrics, content as unknown as Contents['called']);
    else if (kind === 'closed')
      metrics.increment('fist_agent_conversations_total', { ended: (content as unknown as Contents['closed']).ended });
  }
}

/** `anthropic/claude-sonnet-5`. */
function labelsOf(name: string): { readonly provider: string; readonly model: string } {
  const [provider = '', ...model] = name.split('/');
  return { provider, model: model.join('/') };
}

function countAnswer(
  metrics: Pick<Metrics, 'increment'>,
  { tokens, costMicros }: NewAgentEvent,
  { model, usage }: Contents['answered'],
): void {
  const labels = labelsOf(model);
  metrics.increment('fist_llm_requests_total', { ...labels, result: 'answered' });
  const kinds =
    usage === null
      ? { unknown: tokens }
      : {
          input: usage.inputTokens,
          cache_read: usage.cacheReadTokens,
          cache_write: usage.cacheWriteTokens,
          output: usage.outputTokens,
        };
  for (const [kind, count] of Object.entries(kinds))
    if (count > 0) metrics.increment('fist_llm_tokens_total', { ...labels, kind }, count);
  countCost(metrics, labels, costMicros);
}

function countFailure(
  metrics: Pick<Metrics, 'increment'>,
  { tokens, costMicros }: NewAgentEvent,
  { model, reason }: Contents['failed'],
): void {
  const labels = labelsOf(model);
  metrics.increment('fist_llm_requests_total', { ...labels, result: reason });
  if (tokens > 0) metrics.increment('fist_llm_tokens_total', { ...labels, kind: 'unknown' }, tokens);
  countCost(metrics, labels, costMicros);
}

function countCost(metrics: Pick<Metrics, 'increment'>, labels: ReturnType<typeof labelsOf>, costMicros: number): void {
  if (costMicros > 0) metrics.increment('fist_llm_cost_dollars_total', labels, costMicros / 1_000_000);
}

/** The name of a tool that there is not is whatever a model wrote. What an earlier run read was counted there. */
function countCall(metrics: Pick<Metrics, 'increment'>, { call, result, isReused }: Contents['called']): void {
  if (isReused === true) return;
  const tool = result.reason === 'UnknownTool' ? 'unknown' : call.name;
  metrics.increment('fist_agent_tool_calls_total', { tool, status: result.status });
}
