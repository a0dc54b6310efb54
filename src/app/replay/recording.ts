import type { Recording } from '../../agent/models/replay.ts';
import type { Answered, Failed, Opened } from '../../agent/contents.ts';
import type { NewAgentEvent } from '../../core/agent-event.ts';

type Exchange = Recording['exchanges'][number];

/**
 * What a model answered in a conversation, from its journal. Nobody kept what it was asked, so all requests are other ones than
 * then. A request whose answer nobody heard is left out: it was made again, or the conversation ended there.
 */
export function recordingOf(
  { model, bounds: { contextTokens, maxOutputTokens, price } }: Pick<Opened, 'model' | 'bounds'>,
  events: readonly NewAgentEvent[],
): Recording {
  const exchanges: Exchange[] = [];
  let failures: Exchange['failures'] = [];
  const end = (answered: Exchange['answered']): void => {
    exchanges.push({ request_sha256: '', duration_ms: 0, failures, answered });
    failures = [];
  };
  for (const { kind, content } of events) {
    if (kind === 'answered') end(answerOf(content as unknown as Answered, price));
    if (kind !== 'failed') continue;
    const { model: by, reason, message, isLast } = content as unknown as Failed;
    failures = [...failures, { model: by, reason, message }];
    if (isLast) end(null);
  }
  return {
    schema_version: 1,
    model,
    context_tokens: contextTokens,
    max_output_tokens: maxOutputTokens,
    price,
    notice: null,
    exchanges,
  };
}

function answerOf({ model, message, finish, usage }: Answered, price: Opened['bounds']['price']): Exchange['answered'] {
  return { model, price, message, finish, usage } as Exchange['answered'];
}
