import type { AgentReader } from '../core/agent-store.ts';
import type { RunChange } from '../core/changes.ts';
import { objectOf } from '../core/json.ts';
import type { JsonValue } from '../core/json.ts';
import type { ListReader } from '../core/lists.ts';
import type { Clock } from '../core/ports.ts';
import type { RunRecord } from '../core/run.ts';
import { toTimestamp } from '../core/time.ts';
import type { EventText } from '../kube/events/event-series.ts';

export interface RunEventsOptions {
  readonly lists: Pick<ListReader, 'runsOf'>;
  readonly agent: Pick<AgentReader, 'events'>;
  readonly clock: Clock;
}

/** What is said about the Workflow of a run. */
export interface RunEvent {
  readonly namespace: string;
  readonly workflow: string;
  readonly event: EventText;
}

/** What happened before is not told: whoever led then has told it. About as long as a Lease lasts, and a take-over. */
export const lookBackMs = 30_000;
/** More than end within two looks; one that is known no more would be told twice. */
const mostKnown = 20_000;
const mostRead = 100;
const pageSize = 200;
const mostPages = 10;
const mostTools = 5;

/**
 * Tells what happened to each run, not only to the newest one of its Workflow: began, ended, a model's budget was spent, a call of a
 * tool was denied. The answer takes changes as {@link ListReader.runsChangedSince} has them, also twice, and tells each thing once.
 */
export function createRunEvents({ lists, agent, clock }: RunEventsOptions) {
  const since = toTimestamp(clock.now() - lookBackMs);
  /** The last status of which was told, by run. */
  const told = new Map<string, string>();

  /** Those that were not told yet; from now on they were. */
  function takeUntold(changes: readonly RunChange[]): readonly RunChange[] {
    const untold: RunChange[] = [];
    for (const change of changes) {
      const { id, status, at } = change;
      if (told.get(id) !== status && status !== 'pending' && at >= since) untold.push(change);
      told.delete(id);
      told.set(id, status);
      for (const oldest of told.keys()) {
        if (told.size <= mostKnown) break;
        told.delete(oldest);
      }
    }
    return untold;
  }

  return async (changes: readonly RunChange[]): Promise<readonly RunEvent[]> => {
    const begun = new Set(changes.filter(({ id }) => told.get(id) === 'running').map(({ id }) => id));
    const changed = takeUntold(changes);
    if (changed.length === 0) return [];
    const records = await lists.runsOf(changed.slice(-mostRead).map(({ id }) => id));
    const byId = new Map(records.map((record) => [record.id, record]));
    const events: RunEvent[] = [];
    for (const change of changed) {
      const record = byId.get(change.id);
      const about = aboutOf(record);
      const hasEnded = change.status !== 'running';
      const hasBegunUntold = hasEnded && !begun.has(change.id) && (record?.startedAt ?? null) !== null;
      const texts = [
        ...(hasBegunUntold ? phaseEvent(change, 'running', about) : []),
        ...phaseEvent(change, change.status, about),
        ...(hasEnded ? await modelEvents(change, about) : []),
      ];
      for (const event of texts) events.push({ namespace: change.namespace, workflow: change.name, event });
    }
    return events;
  };

  async function modelEvents(change: RunChange, about: string): Promise<readonly EventText[]> {
    if (change.agentEvents === 0) return [];
    const denied = new Set<string>();
    let isSpent = false;
    let after = 0;
    for (let page = 0; page < mostPages; page += 1) {
      const events = await agent.events(change.id, { after, limit: pageSize });
      for (const { kind, content } of events) {
        if (kind === 'closed') isSpent ||= objectOf(content)['ended'] === 'BudgetExceeded';
        if (kind === 'called') for (const tool of deniedTool(content)) denied.add(tool);
      }
      const last = events.at(-1);
      if (last === undefined) break;
      after = last.sequence;
    }
    const said = (reason: string, note: string): EventText => textOf('Warning', reason, 'Ask', note, change);
    return [
      ...(isSpent ? [said('BudgetExceeded', `The budget of a model was spent in a run${about}`)] : []),
      ...[...denied]
        .slice(0, mostTools)
        .map((tool) => said('ToolDenied', `A model was denied ${tool} in a run${about}`)),
    ];
  }
}

/** `kubernetes_get (NamespaceNotAllowed)`; what the tool was called with is not told. */
function deniedTool(content: JsonValue): readonly string[] {
  const { call, result, isReused } = objectOf(content);
  const { status, reason } = objectOf(result);
  if (status !== 'denied' || isReused === true) return [];
  const { name: called } = objectOf(call);
  const name = reason === 'UnknownTool' || typeof called !== 'string' ? 'a tool that there is not' : called;
  return [typeof reason === 'string' ? `${name} (${reason})` : name];
}

const phases: Readonly<Record<string, Pick<EventText, 'type' | 'reason'> & { readonly said: string }>> = {
  running: { type: 'Normal', reason: 'RunStarted', said: 'began' },
  succeeded: { type: 'Normal', reason: 'RunSucceeded', said: 'succeeded' },
  failed: { type: 'Warning', reason: 'RunFailed', said: 'failed' },
  cancelled: { type: 'Normal', reason: 'RunCancelled', said: 'was cancelled' },
};

function phaseEvent(change: RunChange, status: string, about: string): readonly EventText[] {
  const phase = phases[status];
  if (phase === undefined) return [];
  const why = status === 'failed' && change.errorCode !== null ? ` (${change.errorCode})` : '';
  return [textOf(phase.type, phase.reason, 'Run', `A run${about} ${phase.said}${why}`, change)];
}

/** The note stands for every one of a series, so no run is named in it: the command lists them. */
function textOf(
  type: EventText['type'],
  reason: string,
  action: string,
  said: string,
  { namespace, name }: RunChange,
): EventText {
  return { type, reason, action, note: `${said}; fist get runs -n ${namespace} --workflow ${name}`, series: said };
}

function aboutOf(record: RunRecord | undefined): string {
  const alert = record?.input.alert ?? record?.input.asked ?? null;
  return alert === null ? '' : ` about ${alert.name.slice(0, 200)}`;
}
