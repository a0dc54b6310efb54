import type { ModelAccess } from '../agent/models/open.ts';
import type { Catalog } from '../core/catalog.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { IntakeLimits } from '../intake/queue.ts';
import type { ServerLimits } from '../server/options.ts';
import type { QueueLimits } from '../store/commit/hooks.ts';
import type { AppOptions } from './options.ts';

/** A running program. */
export interface App {
  readonly options: AppOptions;
  /** Where it listens, `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly token: string;
  /** Where the token is; null = it was given. */
  readonly tokenFile: string | null;
  catalog(): Catalog;
  /**
   * Stops gracefully within `drainMs`: takes nothing new, lets work end, checkpoints the rest, closes the store. False
   * where something did not end in time; nothing is lost then either.
   */
  stop(): Promise<boolean>;
}

/** What a caller may give in place of the real thing. */
export interface AppParts {
  readonly log: Log;
  readonly clock?: Clock;
  /** Hears the token and each value of a Secret before anybody uses it, so that the log is without them. */
  noteSecret?(value: string): void;
  /** Where the stdout sink writes; rejects where it could not. */
  writeStdout(text: string): void | Promise<void>;
  /** Columns of the terminal behind it; absent = it is none. */
  readonly stdoutColumns?: number | undefined;
  /** Asked in place of the models that the options and the resources name; null = it gives none. The demo's recorded answers. */
  readonly openModel?: (() => ModelAccess) | null;
  /** For crash tests: a named point at which the process kills itself. */
  readonly crashAt?: string | undefined;
  /** For tests of overload. */
  readonly limits?: AppLimits | undefined;
  /** Ends the wait for a database at the start; `createApp` rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** The bounds of what waits in memory; each part has its own defaults. */
export interface AppLimits {
  readonly server?: Partial<ServerLimits>;
  readonly intake?: Partial<IntakeLimits>;
  readonly queue?: QueueLimits;
}
