import type { Clock } from '../core/ports.ts';
import type { EvidenceRecorder } from '../investigation/evidence.ts';
import { limiter } from '../lib/limiter.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import { failedAnswer, notDone, presentAnswer } from './present-answer.ts';
import type { ToolCall } from './message.ts';
import { refusalOf } from './policy.ts';
import type { Scope } from './policy.ts';
import { createRepeats } from './repeats.ts';
import type { Ended } from './repeats.ts';
import type { Called } from './contents.ts';
import { briefDeclarationOf, declarationOf, parseInput } from './tool-input.ts';
import type { ToolDeclaration } from './models/model.ts';
import type { PromptProfile } from './prompt.ts';
import type { ExecutedCall, ToolAnswer, ToolDefinition, ToolWorld } from './tools/define.ts';
import { estimateTokens, namedToolTokens } from './window.ts';

/** The tools of one investigation behind the one policy. */
export interface Toolbox {
  /** What can be offered, at most 15. */
  readonly declarations: readonly ToolDeclaration[];
  /** Whether tools of other programs are among them. */
  readonly hasNamedTools: boolean;
  /** What cannot, and why, for the conversation's beginning: `loki_query: no Loki is configured`. */
  readonly missing: readonly string[];
  /** Never throws but the signal's reason: what is wrong is the answer. */
  execute(call: ToolCall): Promise<ExecutedCall>;
}

/** What bounds tools. */
export interface ToolLimits {
  /** Of one call. Milliseconds. */
  readonly timeoutMs: number;
  /** Calls that run at the same time. */
  readonly parallel: number;
  /** Of one answer, as the model reads it, in UTF-8. */
  readonly answerBytes: number;
  /** Tools that a model is told of; more of them cost it more than they help. */
  readonly offered: number;
  /** Whether it is told of them in few words. */
  readonly isBrief: boolean;
  /** Tools of other programs that come on top of these, as far as their declarations fit; null = they are among them. */
  readonly onTop: { readonly most: number; readonly tokens: number } | null;
}

/** For models with a large window, and with a small one. */
export const toolLimits: Readonly<Record<PromptProfile, ToolLimits>> = {
  full: { timeoutMs: 30_000, parallel: 4, answerBytes: 8 * 1024, offered: 15, isBrief: false, onTop: null },
  compact: {
    timeoutMs: 30_000,
    parallel: 4,
    answerBytes: 2 * 1024,
    offered: 4,
    isBrief: true,
    onTop: { most: 2, tokens: namedToolTokens },
  },
};

export interface ToolboxOptions {
  /** The most useful first: those behind `limits.offered` are not offered. */
  readonly tools: readonly ToolDefinition[];
  readonly world: Omit<ToolWorld, 'answerBytes'>;
  readonly scope: Scope;
  /** Numbers evidence on from what the analyzers found. */
  readonly recorder: EvidenceRecorder;
  /** Of the conversation's blocks of data. */
  readonly delimiter: string;
  /** Values that no answer may hold. */
  readonly secretValues: () => Promise<readonly string[]>;
  readonly limits: ToolLimits;
  readonly clock: Clock;
  /** Of the step. */
  readonly signal: AbortSignal;
  /** What an earlier attempt asked, in order: it is not asked again. Absent = nothing. */
  readonly earlier?: readonly Called[];
}

/**
 * The tools of one investigation. Of each call its name, input, repetition and what it reaches for are checked; then it is run
 * with a time-out, and its answer redacted, bounded, numbered and put into a block of data. Whatever goes wrong is an answer, too.
 */
export function createToolbox(options: ToolboxOptions): Toolbox {
  const { limits, clock, signal } = options;
  const world: ToolWorld = { ...options.world, answerBytes: limits.answerBytes };
  const { offered, missing } = offer(options.tools, world, limits);
  const tools = new Map(offered.map((tool) => [tool.name, tool]));
  const repeats = createRepeats(tools, options.earlier ?? [], options.recorder);
  const slots = limiter(limits.parallel);

  /** Throws the signal's reason alone. */
  async function answerOf(tool: ToolDefinition, input: Record<string, unknown>): Promise<ToolAnswer> {
    signal.throwIfAborted();
    const ended = new AbortController();
    const io = { ...world, signal: AbortSignal.any([signal, ended.signal]) };
    try {
      const timedOut = clock.sleep(limits.timeoutMs, io.signal).then(() => null);
      const answer = await Promise.race([tool.run(io, input), timedOut]);
      return answer ?? timedOutAnswer(limits.timeoutMs);
    } catch (thrown) {
      signal.throwIfAborted();
      return failedAnswer(thrown);
    } finally {
      ended.abort();
    }
  }

  async function attempt(call: ToolCall): Promise<Ended> {
    const key = repeats.keyOf(call);
    if (repeats.count(key) > 2) return notDone('denied', 'Repeated', repeatedText);
    const tool = tools.get(call.name);
    if (tool === undefined) return unknownTool(call.name, [...tools.keys()]);
    const parsed = parseInput(tool, call.input);
    if ('problem' in parsed) return notDone('error', 'InvalidInput', parsed.problem);
    for (const reach of tool.reaches(parsed.value)) {
      const refusal = refusalOf(reach, options.scope);
      if (refusal !== null) return notDone('denied', refusal.reason, refusal.message);
    }
    const { answerBytes } = limits;
    const make = async (): Promise<Ended> =>
      presentAnswer(tool.name, await answerOf(tool, parsed.value), { ...options, answerBytes, now: world.now });
    return repeats.once(key, () => slots(make));
  }

  return {
    declarations: offered.map(limits.isBrief ? briefDeclarationOf : declarationOf),
    hasNamedTools: offered.some(({ declared }) => declared !== undefined),
    missing,
    async execute(call) {
      signal.throwIfAborted();
      const begunMs = clock.monotonic();
      const ended = await attempt(call);
      return { ...ended, durationMs: Math.round(clock.monotonic() - begunMs) };
    },
  };
}

const repeatedText =
  'the same was asked twice before and its answer stands above. Ask for something else, or say what you conclude';

function unknownTool(name: string, known: readonly string[]): Ended {
  const next = nextOfUnknown(name, known, `there are: ${known.join(', ')}`);
  return notDone('denied', 'UnknownTool', `there is no tool ${JSON.stringify(name)}; ${next}`);
}

function timedOutAnswer(timeoutMs: number): ToolAnswer {
  const text = `no answer came within ${timeoutMs / 1000} s`;
  return { status: 'error', reason: 'Timeout', text, command: null, evidence: null };
}

/** A model with a small window is not told of what it is not offered for want of room. */
function offer(
  tools: readonly ToolDefinition[],
  world: ToolWorld,
  { offered: most, isBrief, onTop }: ToolLimits,
): { readonly offered: readonly ToolDefinition[]; readonly missing: readonly string[] } {
  const offered: ToolDefinition[] = [];
  const missing: string[] = [];
  const named: ToolDefinition[] = [];
  for (const tool of tools) {
    const why = tool.unavailable(world);
    if (why !== null) missing.push(`${tool.name}: ${why}`);
    else if (onTop !== null && tool.declared !== undefined) {
      const declarations = [...named, tool].map(briefDeclarationOf);
      if (named.length < onTop.most && estimateTokens([], declarations) <= onTop.tokens) named.push(tool);
    } else if (offered.length < most) offered.push(tool);
    else if (!isBrief) missing.push(`${tool.name}: ${most} tools are offered already`);
  }
  return { offered: [...offered, ...named], missing };
}
