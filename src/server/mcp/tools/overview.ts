import { z } from 'zod';
import { plural } from '../../../lib/words.ts';
import { listGaps as route } from '../../api/gaps.ts';
import type { AnswerOf } from '../../routes.ts';
import { callRoute } from '../call-route.ts';
import { defineTool } from '../define.ts';
import { argumentsOf, pageSize } from '../input.ts';
import { brief, callOf, jsonLine, pageOfLines } from '../lines.ts';
import type { Shown } from '../lines.ts';
import { titled } from './alerts.ts';

export const listGaps = defineTool({
  name: 'list_gaps',
  title: 'What investigations lacked',
  description:
    'Lists what the newest 200 investigations asked for and were not given (forbidden, not captured, unavailable), how often, and the remedy: what to allow or connect so that the next one is better.',
  effect: 'reads',
  input: z.strictObject({
    ...argumentsOf(route, ['workflow', 'namespace', 'since', 'until']),
    limit: pageSize(30, 20),
  }),
  async run({ api }, { limit, ...query }) {
    const { items, text } = await pageOfLines(api, { plural: 'gaps', query, limit }, gapLine);
    const [first] = items;
    if (first === undefined)
      return { head: 'No gaps: the newest investigations were given all that they asked for.', data: null, next: [] };
    return {
      head: `${plural(items.length, 'gap')}, the most frequent first, one a line.`,
      data: { origin: 'reports', text, narrow: 'ask with a smaller limit' },
      next: [`${callOf('get_report', { run: first.lastRun })}: the report of the newest run that lacked the first`],
    };
  },
});

function gapLine(gap: AnswerOf<'GET /api/v1/gaps'>['items'][number]): Shown {
  const { kind, resource, namespace, runs, of, lastRun, lastSeen } = gap;
  return {
    kind,
    resource,
    namespace,
    what: brief(gap.what, 300),
    reason: brief(gap.reason, 300),
    remedy: brief(gap.remedy, 500),
    runs: `${runs} of ${of}`,
    lastRun,
    lastSeen,
  };
}

export const getStatus = defineTool({
  name: 'get_status',
  title: 'Whether fist itself is well',
  description:
    'Says whether Punching Fist itself is well: its store, where alerts come from, where reports go, investigations at work, and the cluster. Each problem has the command that shows more.',
  effect: 'reads',
  input: z.strictObject({}),
  async run({ api }) {
    const status = await callRoute(api, 'GET /api/v1/status', {});
    const { well, problems, server, store, sources, sinks, runs, cluster, models } = status;
    const count = (counted: { readonly count: number; readonly more: boolean }) =>
      counted.more ? `${counted.count} or more` : counted.count;
    const lines = [
      ...titled(
        'Problems',
        problems.map(({ part, message, next }) => ({ part, message: brief(message, 500), next })),
      ),
      jsonLine({ part: 'server', version: server.version, state: server.state, time: server.time }),
      jsonLine({ part: 'store', kind: store.kind, ready: store.ready, problem: brief(store.problem, 300) }),
      jsonLine({
        part: 'runs',
        running: count(runs.running),
        waiting: count(runs.waiting),
        failedInTheLastHour: count(runs.failed),
      }),
      ...(cluster === null
        ? []
        : [
            jsonLine({
              part: 'cluster',
              description: brief(cluster.description, 300),
              reachable: cluster.reachable,
              problem: brief(cluster.problem, 300),
            }),
          ]),
      jsonLine({ part: 'models', server: brief(models.server, 300), workflowsThatNameOne: models.workflows }),
      ...titled(
        'Sources',
        sources.map(({ name, ready, reason, events, lastEventTime, refused }) => ({
          name,
          ready,
          reason: brief(reason, 300),
          events,
          lastEventTime,
          refused: refused === 0 ? null : refused,
        })),
      ),
      ...titled(
        'Sinks',
        sinks.map(({ name, ready, reason, lastSentTime, waiting, failed, lastError }) => ({
          name,
          ready,
          reason: brief(reason, 300),
          lastSentTime,
          waiting: count(waiting),
          failedInTheLastHour: count(failed),
          lastError: brief(lastError, 300),
        })),
      ),
    ];
    return {
      head: well ? 'All is well.' : `${plural(problems.length, 'problem')}.`,
      data: { origin: 'the server', text: lines.join('\n'), narrow: '' },
      next: [],
    };
  },
});
