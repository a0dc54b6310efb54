import { alertHandlers } from './api/alerts.ts';
import { contractHandlers } from './api/contract.ts';
import { recordHandlers } from './api/records.ts';
import { resourceHandlers } from './api/resources.ts';
import { runHandlers } from './api/runs.ts';
import type { ServerOptions } from './options.ts';

/** The handlers of everything that answers with JSON: `/api/v1` and the routes of the first version. */
export function apiHandlers(options: ServerOptions) {
  return {
    ...alertHandlers(options.reader, options.clock),
    ...runHandlers(options.reader, options.control, options.clock),
    ...resourceHandlers(options.reader),
    ...recordHandlers(options.reader, options.control, options.clock),
    ...contractHandlers(options),
  };
}
