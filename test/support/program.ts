import type { Terminal } from '../../src/cli/output.ts';
import { runProgram } from '../../src/cli/program.ts';

/** What a command line ended with. */
export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `fist` with these words and this environment in this process; nobody reads it on a terminal, unless one is given. */
export async function runFist(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  terminal: Partial<Terminal> = {},
): Promise<Answer> {
  let [out, err] = ['', ''];
  const streams = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = await runProgram(args, { ...streams, colour: false, env, ...terminal });
  return { code, out, err };
}
