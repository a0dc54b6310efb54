import { runProgram } from '../../src/cli/program.ts';

/** What a command line ended with. */
export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `fist` with these words and this environment in this process; nobody reads it on a terminal. */
export async function runFist(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Answer> {
  let [out, err] = ['', ''];
  const terminal = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = await runProgram(args, { ...terminal, colour: false, env });
  return { code, out, err };
}
