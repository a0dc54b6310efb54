import { FunctionError } from './error.ts';

/**
 * Bounds of one rendering, so that no template can hold up or exhaust the process: what they let through takes at most some
 * 50 ms of a server's processor (docs/decisions/0017-event-loop.md).
 */
export interface TemplateLimits {
  /** Characters of the whole output, and of any one text on the way. */
  readonly outputCharacters: number;
  /** Passes through all `range` bodies together, and members of any one list. */
  readonly iterations: number;
  /** Templates calling templates. */
  readonly callDepth: number;
  /** Nodes executed, values visited and characters worked on, all together; some 0.1 µs each. */
  readonly steps: number;
  /** Of processor time that regular expressions may take, all together. */
  readonly regexMs: number;
}

export const defaultLimits: TemplateLimits = {
  outputCharacters: 1024 * 1024,
  iterations: 100_000,
  callDepth: 100,
  steps: 400_000,
  regexMs: 25,
};

/** What the executor and the functions share during one rendering. */
export interface Runtime {
  readonly now: () => Date;
  readonly limits: TemplateLimits;
  stepsLeft: number;
  iterationsLeft: number;
  regexMsLeft: number;
}

/** Counts work; every loop over data passes here. */
export function spend(runtime: Runtime, steps = 1): void {
  runtime.stepsLeft -= steps;
  if (runtime.stepsLeft < 0) throw new FunctionError(`the template needs more than ${runtime.limits.steps} steps`);
}

/** Refuses text that is, or would become, too long. */
export function checkCharacters(runtime: Runtime, characters: number): void {
  const { outputCharacters } = runtime.limits;
  if (characters > outputCharacters) throw new FunctionError(`the text is longer than ${outputCharacters} characters`);
}

/** Refuses a list that is, or would become, too long. */
export function checkMembers(runtime: Runtime, members: number): void {
  const { iterations } = runtime.limits;
  if (members > iterations) throw new FunctionError(`the list has more than ${iterations} members`);
}
