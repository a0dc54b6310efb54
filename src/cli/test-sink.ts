import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { objectOf } from './nouns/index.ts';
import { outputFormat, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';

/** `fist test sink/[NAMESPACE/]NAME`. Exit code 1 where the receiver did not take it. */
export async function testSink(
  terminal: Terminal,
  flags: ServerFlags & { readonly output: string },
  object = '',
): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const { key } = objectOf(object, ['sink']);
  const slash = key.indexOf('/');
  const params = { namespace: slash < 0 ? 'default' : key.slice(0, slash), name: key.slice(slash + 1) };
  const answer = await apiClient(flags, terminal).call('POST /api/v1/sinks/:namespace/:name/test', { params });
  if (format !== 'text') {
    await printObject(terminal, format, answer);
    return answer.sent ? 0 : 1;
  }
  for (const { event, sent, reference, reason } of answer.messages) {
    const named = reference === null ? '' : `, as ${reference}`;
    terminal.out(`${event.padEnd(14)} ${sent ? `sent${named}` : `NOT SENT: ${reason ?? ''}`}\n`);
  }
  if (answer.conditionHolds === false)
    tell(terminal, 'the condition of the Sink is false for this message: an alert like it would be skipped');
  if (!answer.sent) tell(terminal, `next: fist describe sink/${params.namespace}/${params.name}`);
  return answer.sent ? 0 : 1;
}
