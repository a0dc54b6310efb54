import { serveAssistant } from '../app/assistant-stdio.ts';
import { systemClock } from '../lib/clock.ts';
import { createLog } from '../lib/log.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { endProcess } from './end-process.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';
import { onStopSignals, exitCodeOf } from './signals.ts';

interface McpFlags extends ServerFlags {
  readonly allowStart: boolean;
}

/**
 * `fist mcp`: speaks the Model Context Protocol on stdin and stdout, with what a server knows. Nothing else is ever written to stdout. Ends
 * with its input, or at a signal; throws where the server cannot be asked when it starts.
 */
export async function mcp(terminal: Terminal, flags: McpFlags): Promise<number> {
  const write = terminal.outlive?.() ?? ((text: string) => terminal.out(text));
  const client = apiClient(flags, terminal);
  await client.call('GET /', {});
  const what = flags.allowStart ? 'with the tools that start something' : 'only with tools that read';
  const stopping = new AbortController();
  const forgetSignals = onStopSignals(
    () => stopping.abort(),
    (signal) => endProcess(exitCodeOf[signal]),
  );
  try {
    // Who reads this may send a signal.
    tell(terminal, `speaks the Model Context Protocol for ${client.url}, ${what}; ends with its input`);
    await serveAssistant({
      input: process.stdin,
      write,
      api: (signal) => ({
        get: (path) => client.get(path, signal),
        post: (path, body) => client.post(path, body, signal),
      }),
      allowStart: flags.allowStart,
      clock: systemClock(),
      log: await createLog({ level: terminal.quiet === true ? 'error' : 'warn' }),
      signal: stopping.signal,
    });
    return 0;
  } finally {
    forgetSignals();
    // Else the process waits for it.
    process.stdin.destroy();
  }
}
