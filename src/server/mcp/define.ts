import type { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import type { ApiCaller } from '../../lib/api-call.ts';

/** What a tool works with: the API and no more, whether it is asked from within the server or over the network. */
export interface ToolWorld {
  readonly api: ApiCaller;
  /** Of whoever asks. Milliseconds. */
  readonly nowMs: number;
  /** Waits so many milliseconds. False = there is nobody any more who does, or none may. */
  readonly pause: (milliseconds: number) => Promise<boolean>;
}

/** What a tool answers. `head` and `next` are words of ours, without any of the text that came from outside. */
export interface ToolAnswer {
  /** What it is, in a sentence or two. */
  readonly head: string;
  /** Text that came from outside, which is redacted, bounded and marked as data; null = there is none. */
  readonly data: {
    /** Where it comes from: `the store of alerts`. */
    readonly origin: string;
    readonly text: string;
    /** How to ask for less, where it is too long. */
    readonly narrow: string;
  } | null;
  /** What to call next, each in a line. */
  readonly next: readonly string[];
}

/** What one tool takes and answers. */
export interface AssistantToolOptions<Input extends z.ZodObject> {
  /** `list_alerts`. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** For models: what it is for, and when. */
  readonly description: string;
  /** `starts`: it begins work that may cost money; offered only where that was allowed. */
  readonly effect: 'reads' | 'starts';
  readonly input: Input;
  run(world: ToolWorld, input: z.output<Input>): Promise<ToolAnswer>;
}

/** A tool, as the table has it. */
export interface AssistantTool extends Pick<
  AssistantToolOptions<z.ZodObject>,
  'name' | 'title' | 'description' | 'effect' | 'input'
> {
  run(world: ToolWorld, input: JsonObject): Promise<ToolAnswer>;
}

/** Declares a tool that assistants are offered; tools/index.ts has the list. */
export function defineTool<Input extends z.ZodObject>(options: AssistantToolOptions<Input>): AssistantTool {
  return { ...options, run: (world, input) => options.run(world, input as z.output<Input>) };
}
