import { AppError } from '../core/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';
import { endProcess } from './end-process.ts';

/** What a shell reports for a program that SIGPIPE ended, as it ends `kubectl get ... | head`. */
const closedExitCode = 141;
const unwritableExitCode = 3;
/** What waits for a reader of stdout that does not read; beyond it a delivery is not written. */
const mostWaitingBytes = 4 * 1024 * 1024;

/**
 * Without it a write to a stream that cannot be written ends the process with a stack trace. A command whose reader is gone
 * ends quietly; one whose output could not be written (a full disk) says so and fails. What nobody reads of stderr is lost.
 */
export function watchStreams(): void {
  process.stdout.on('error', endCommand);
  process.stderr.on('error', ignore);
}

/** A server goes on: from now on nothing of its streams ends it. What is returned rejects where stdout cannot be written. */
export function outliveStreams(): (text: string) => Promise<void> {
  process.stdout.off('error', endCommand);
  process.stdout.on('error', ignore);
  return (text) =>
    new Promise((resolve, reject) => {
      if (process.stdout.writableLength > mostWaitingBytes) reject(unwritable('nobody reads it'));
      else {
        process.stdout.write(text, (error) => {
          if (error == null) resolve();
          else reject(unwritable(fileProblem(error), error));
        });
      }
    });
}

function unwritable(why: string, cause?: unknown): AppError {
  return new AppError('DeliveryFailed', `standard output could not be written: ${why}`, { cause });
}

function ignore(): void {
  // Whoever closed a stream does not want what is written to it.
}

function endCommand(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') endProcess(closedExitCode);
  process.stderr.write(`error: standard output could not be written: ${fileProblem(error)}\n`);
  endProcess(unwritableExitCode);
}
