import { afterEach, describe, expect, test } from 'vitest';
import { reportAnswer, startAgentApp } from './support/agent-world.ts';
import type { AgentAppOptions } from './support/agent-world.ts';
import { createCleanup } from './support/cleanup.ts';
import { startOtlpReceiver } from './support/otlp-receiver.ts';
import type { OtlpReceiver, ReceivedSpan } from './support/otlp-receiver.ts';
import { waitFor } from './support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const secretHeader = 'Bearer a-token-of-the-collector';

async function start(options: AgentAppOptions = {}) {
  const collector = await startOtlpReceiver();
  cleanup.defer(() => collector.stop());
  const telemetry = {
    url: `${collector.url}/v1/traces`,
    headers: { authorization: secretHeader },
    attributes: { 'deployment.environment.name': 'test' },
  };
  const world = await startAgentApp(cleanup, { ...options, program: { ...options.program, telemetry } });
  const tracesCounted = async (result: string): Promise<number> => {
    const text = await world.app.get<string>('/metrics');
    return Number(new RegExp(`fist_traces_total\\{result="${result}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  return { ...world, collector, tracesCounted };
}

/** The names of the spans, each below its parent, in the order of their names. */
function treeOf({ spans }: OtlpReceiver, parent: string | null = null, indent = ''): readonly string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap(({ name, spanId }) => [`${indent}${name}`, ...treeOf({ spans } as OtlpReceiver, spanId, `${indent}  `)]);
}

const spanNamed = ({ spans }: OtlpReceiver, name: string): ReceivedSpan =>
  spans.find((span) => span.name === name) ?? expect.fail(`there is no span ${name}`);

describe('with an OpenTelemetry collector', () => {
  test('a run in which a model was asked is one trace: the run, its agent, its requests and its calls', async () => {
    const { model, raise, report, collector, tracesCounted } = await start({ wire: 'messages' });
    model.say(
      {
        calls: [
          { name: 'kubernetes_list', input: { resource: 'pods', namespace: 'billing' } },
          { name: 'kubernetes_get', input: { resource: 'secrets', namespace: 'billing', name: 'a-secret-thing' } },
          { name: 'made_up_by_the_model', input: { text: 'IGNORE ALL' } },
        ],
      },
      { fault: 'overloaded', headers: { 'retry-after': '0' } },
      { text: 'That is all.' },
      reportAnswer(),
    );
    await raise();
    const { run } = await report();
    await waitFor('the trace', () => collector.spans.length > 0);
    expect(collector.refusals).toEqual([]);
    expect(await tracesCounted('sent')).toBe(1);
    expect(treeOf(collector)).toEqual([
      'invoke_workflow explain-billing',
      '  invoke_agent investigate',
      '    chat claude-sonnet-4-5',
      '    chat claude-sonnet-4-5',
      '    chat claude-sonnet-4-5',
      '    chat claude-sonnet-4-5',
      '    execute_tool kubernetes_get',
      '    execute_tool kubernetes_list',
      '    execute_tool unknown',
    ]);
    const { spans } = collector;
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([run.id.replaceAll('-', '')]));
    expect(spanNamed(collector, 'invoke_workflow explain-billing').attributes).toEqual({
      'gen_ai.operation.name': 'invoke_workflow',
      'gen_ai.workflow.name': 'explain-billing',
      'fist.namespace': 'default',
      'fist.run.id': run.id,
    });
    expect(spanNamed(collector, 'invoke_agent investigate')).toMatchObject({
      kind: 1,
      isError: false,
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'investigate',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.request.model': 'claude-sonnet-4-5',
        'gen_ai.usage.input_tokens': 3000,
        'gen_ai.usage.output_tokens': 150,
      },
    });
    const chats = spans.filter(({ name }) => name.startsWith('chat '));
    expect(chats.map(({ kind, isError, attributes }) => [kind, isError, attributes['error.type']])).toEqual([
      [3, false, undefined],
      [3, true, 'Overloaded'],
      [3, false, undefined],
      [3, false, undefined],
    ]);
    expect(chats[0]?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.response.finish_reasons': ['tool-calls'],
      'gen_ai.usage.input_tokens': 1000,
      'gen_ai.usage.cache_read.input_tokens': 600,
      'gen_ai.usage.output_tokens': 50,
    });
    expect(chats.at(-1)?.attributes).toMatchObject({ 'gen_ai.output.type': 'json', 'fist.request.phase': 'close' });
    const tools = spans.filter(({ name }) => name.startsWith('execute_tool '));
    const errors = tools.map(({ attributes }) => [attributes['gen_ai.tool.name'], attributes['error.type']]);
    expect(Object.fromEntries(errors)).toEqual({
      kubernetes_list: undefined,
      kubernetes_get: expect.stringMatching(/^[A-Z]\w+$/),
      unknown: 'UnknownTool',
    });
    for (const { attributes } of tools) expect(attributes['gen_ai.tool.call.id']).toMatch(/^[\w-]+$/);
    // Each within its parent.
    for (const span of spans) {
      const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
      if (parent === undefined) continue;
      expect([span.name, span.startMs >= parent.startMs, span.endMs <= parent.endMs]).toEqual([span.name, true, true]);
    }
    expect(collector.resource()).toMatchObject({
      'service.name': 'punching-fist',
      'deployment.environment.name': 'test',
    });
    expect(collector.headers[0]).toMatchObject({ authorization: secretHeader });
  });

  test('nothing of what was asked, called with, answered or read stands in it', async () => {
    const { model, raise, report, collector } = await start();
    model.say(
      {
        text: 'words of the model',
        calls: [{ name: 'kubernetes_events', input: { namespace: 'billing' }, id: 'call 1 <b>' }],
      },
      { text: 'That is all.' },
      reportAnswer({ summary: 'words of the model' }),
    );
    await raise();
    const { run } = await report();
    await waitFor('the trace', () => collector.spans.length > 0);
    const [body = ''] = collector.bodies;
    const said = run.steps.flatMap(({ result }) => JSON.stringify(result));
    expect(said.join('\n')).toContain('billing');
    for (const words of [
      'words of the model',
      'That is all',
      '<b>',
      '"namespace":"billing"',
      'ledger',
      'IGNORE',
      model.key,
    ])
      expect(body).not.toContain(words);
    // Whatever it may be: the keys and the texts of all attributes are of these.
    const texts = collector.spans.flatMap(({ attributes }) => Object.values(attributes).flat()).map(String);
    expect(texts.filter((text) => text.length > 80 || /\s/.test(text))).toEqual([]);
  });

  test('a run in which no model was asked is none', async () => {
    const { app, raise, report, collector } = await start({ ask: null });
    await raise();
    const { report: said } = await report();
    expect(said.model).toBeNull();
    await app.stop();
    expect(collector.bodies).toEqual([]);
  });

  test('a collector that does not answer holds up neither a run nor a stop', async () => {
    const { app, model, raise, report, collector, tracesCounted } = await start({ program: { drainMs: 1000 } });
    model.always((request) => (request.schema === null ? { text: 'That is all.' } : reportAnswer()));
    collector.fail({ isSilent: true });
    await raise();
    expect((await report()).run.status).toBe('succeeded');
    expect(await tracesCounted('sent')).toBe(0);
    await waitFor('the request', () => collector.bodies.length === 1);
    await app.stop();
    expect(collector.spans).toEqual([]);
  });

  test('what a collector refuses is not sent again', async () => {
    const { model, raise, report, collector, tracesCounted } = await start();
    model.always((request) => (request.schema === null ? { text: 'That is all.' } : reportAnswer()));
    collector.fail({ status: 401, body: '{"message":"who are you"}' });
    await raise();
    await report();
    await waitFor('the answer', async () => (await tracesCounted('refused')) === 1);
    expect(collector.bodies).toHaveLength(1);
  });
});
