import { captureToFolder } from '../app/capture.ts';
import { readClusterOptions } from '../app/options.ts';
import { plain } from './output.ts';
import type { Terminal } from './output.ts';

interface CaptureFlags {
  readonly outputDirectory: string;
  readonly namespace?: readonly string[];
  readonly dump?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** `fist capture`: a redacted folder of a live cluster, readable by `--dump`. Ctrl-C ends it. */
export async function capture(terminal: Terminal, flags: CaptureFlags): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const summary = await captureToFolder(
    readClusterOptions(flags),
    flags.outputDirectory,
    flags.namespace ?? [],
    interrupted.signal,
  );
  terminal.out(
    `${flags.outputDirectory}: ${summary.objects} objects and ${summary.logs} logs of ${summary.namespaces} namespaces\n`,
  );
  for (const line of summary.leftOut) terminal.err(`left out: ${plain(line)}\n`);
  terminal.err(`next: fist investigate --alert FILE --dump ${flags.outputDirectory}\n`);
  return 0;
}
