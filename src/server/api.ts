import { alertHandlers } from './api/alerts.ts';
import { contractHandlers } from './api/contract.ts';
import { gapHandlers } from './api/gaps.ts';
import { recordHandlers } from './api/records.ts';
import { resourceHandlers } from './api/resources.ts';
import { runHandlers } from './api/runs.ts';
import type { ServerOptions } from './options.ts';
import type { Refusals } from './refusals.ts';

/** The handlers of everything that answers with JSON: `/api/v1` and the routes of the first version. */
export function apiHandlers(options: ServerOptions, refusals: Refusals) {
  return {
    ...alertHandlers(options.reader, options.clock),
    ...runHandlers(options.reader, options.control, options.clock),
    ...gapHandlers(options.reader, options.clock),
    ...resourceHandlers(options.reader, refusals),
    ...recordHandlers(options.reader, options.control, options.clock),
    ...contractHandlers(options),
  };
}
