import { sinkFor, workflowFor } from '../../core/access.ts';
import type { CatalogSink, CatalogSource } from '../../core/catalog.ts';
import { AppError } from '../../core/errors.ts';
import type { RunRequest } from '../../core/event.ts';
import { isFinal } from '../../core/run.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import { cutText } from '../../lib/cut.ts';
import { plain } from '../../lib/printable.ts';
import { shortId } from '../../lib/short-id.ts';
import type { SourceWorld } from '../define.ts';
import { alertNamed, alertsText, elsewhereText, helpText, runText, statusText } from './answers.ts';
import type { ChatMessage } from './message.ts';
import { wishOf } from './words.ts';

/** What is said to somebody who wrote. */
export interface ChatReply {
  /** What came of it, a label of the metric. */
  readonly outcome: 'run' | 'known' | 'muted' | 'later' | 'answer' | 'refused';
  /** Null: nothing. */
  readonly text: string | null;
  /** Only who wrote has to read it. */
  readonly isPrivate: boolean;
}

/** Takes a message that is for this Source. What starts a run is committed when it resolves. */
export async function takeMessage(source: CatalogSource, message: ChatMessage, world: SourceWorld): Promise<ChatReply> {
  const { reader, clock } = world;
  const wish = wishOf(message.text);
  switch (wish.kind) {
    case 'help':
      return answer(helpText(source));
    case 'status':
      return answer(await statusText(reader, source));
    case 'alerts':
      return answer(await alertsText(reader, source, clock));
    case 'alert':
      return aboutAlert(source, message, wish.name, world);
    case 'object':
      return aboutObject(source, message, wish, world);
    default:
      return (
        (await aboutThread(source, message, wish.kind === 'words', world)) ??
        (wish.kind === 'nothing' ? answer(helpText(source)) : startRun(source, message, world))
      );
  }
}

function answer(text: string): ChatReply {
  return { outcome: 'answer', text, isPrivate: true };
}

/**
 * The run that is told in the thread; null where none is. A question about what a model found is asked on, everything else is
 * answered from the store.
 */
async function aboutThread(
  source: CatalogSource,
  message: ChatMessage,
  isQuestion: boolean,
  world: SourceWorld,
): Promise<ChatReply | null> {
  const { isReply, channel, thread, text, user } = message;
  const { reader, conversations, catalog } = world;
  const { namespace } = source;
  if (!isReply || thread === null) return null;
  const id = await reader.deliveries.runAtPlace(namespace, `${encodeURIComponent(channel)}/${thread}`);
  const run = id === undefined ? undefined : await reader.runs.find(id);
  if (run === undefined) return null;
  if (run.namespace !== namespace) return answer(elsewhereText(run));
  if (isQuestion && isFinal(run.status) && run.agentEvents > 0) {
    const isTold = (sink: string) => isTeller(sinkFor(catalog.current(), namespace, sink), source);
    const continues = await conversations.continuation({ runId: run.id, text, by: user }, isTold);
    return startRun(source, message, world, { continues });
  }
  return { outcome: 'answer', text: await runText(reader, run), isPrivate: false };
}

async function aboutAlert(
  source: CatalogSource,
  message: ChatMessage,
  name: string,
  world: SourceWorld,
): Promise<ChatReply> {
  const { reader } = world;
  const alert = await alertNamed(reader, source, name);
  if (alert === undefined) return answer(`No alert ${quoted(name)} is open.\nMore: fist get alerts`);
  const run = alert.workflowId === null ? undefined : await reader.runs.find(alert.workflowId);
  if (run !== undefined && run.episode === alert.episode)
    return answer(run.namespace === source.namespace ? await runText(reader, run) : elsewhereText(run));
  const { id, fingerprint, severity, episode, labels, annotations, summary, description, generatorUrl, startsAt } =
    alert;
  const known = { id, name: alert.name, fingerprint, severity, episode, labels, annotations };
  const rest = { summary, description, generatorUrl, startsAt, status: 'firing', endsAt: null } as const;
  return startRun(source, message, world, { asked: { ...known, ...rest } });
}

async function aboutObject(
  source: CatalogSource,
  message: ChatMessage,
  {
    object,
    namespace,
    isNamed,
  }: { readonly object: string; readonly namespace: string | null; readonly isNamed: boolean },
  world: SourceWorld,
): Promise<ChatReply> {
  let asked: AlertSnapshot;
  try {
    asked = world.alertOfObject(object, namespace);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'InvalidInput') throw thrown;
    if (!isNamed) return startRun(source, message, world);
    return { ...answer(helpText(source, `${cutText(plain(thrown.message), 200)}.`)), outcome: 'refused' };
  }
  return startRun(source, message, world, { asked });
}

async function startRun(
  source: CatalogSource,
  message: ChatMessage,
  { intake, catalog }: SourceWorld,
  about: Pick<RunRequest, 'asked' | 'continues'> = {},
): Promise<ChatReply> {
  const { trigger, id, channel, user, thread, command, text } = message;
  const request: RunRequest = {
    key: `slack/${id}`,
    tick: null,
    problem: null,
    data: { platform: 'slack', trigger, channel, user, thread: thread ?? '', command: command ?? '', text },
    ...about,
  };
  const taken = await intake.request(source, request);
  switch (taken.kind) {
    case 'known':
      return { outcome: 'known', text: null, isPrivate: true };
    case 'later':
      return {
        outcome: 'later',
        text: `Too many runs begin just now (stormCapPerMinute): ask again after ${taken.until.slice(11, 19)} UTC.`,
        isPrivate: true,
      };
    case 'muted':
      return { outcome: 'muted', text: `Source ${source.name} starts no runs now: ${taken.reason}.`, isPrivate: true };
    default: {
      const now = catalog.current();
      const plan = about.continues?.plan ?? workflowFor(now, source.namespace, source.triggerWorkflow)?.plan;
      const isTold = plan?.sinks.some((name) => isTeller(sinkFor(now, plan.namespace, name), source)) === true;
      const more = isTold ? 'The report comes here' : 'More';
      const words = `Looking into it: Workflow ${about.continues?.plan.name ?? source.triggerWorkflow}.`;
      return { outcome: 'run', text: `${words}\n${more}: fist describe run/${shortId(taken.runId)}`, isPrivate: false };
    }
  }
}

/** Who answers where somebody asked. */
function isTeller(sink: CatalogSink | undefined, { namespace }: CatalogSource): boolean {
  return sink?.type === 'slack' && sink.namespace === namespace;
}

function quoted(text: string): string {
  return `"${cutText(plain(text), 100)}"`;
}
