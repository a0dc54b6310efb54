import { isKubernetesName } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { JobSettings } from '../runners/job-object.ts';

/** Flags of `fist operator` about the Jobs of commands. */
export interface JobFlags {
  readonly allowJobs: boolean;
  readonly jobRequests: string;
  readonly jobLimits: string;
  readonly jobPullSecret?: readonly string[];
}

/** null = commands are not run. Throws InvalidInput that names the flag. */
export function readJobSettings(flags: JobFlags): JobSettings | null {
  const pullSecrets = flags.jobPullSecret ?? [];
  const field = '--job-pull-secret';
  const wrong = pullSecrets.find((name) => !isKubernetesName(name));
  if (wrong !== undefined) throw new AppError('InvalidInput', `${field} ${wrong} is no name of a Secret`, { field });
  const requests = readQuantities('--job-requests', flags.jobRequests);
  const limits = readQuantities('--job-limits', flags.jobLimits);
  return flags.allowJobs ? { requests, limits, pullSecrets } : null;
}

/** A resource and a quantity of Kubernetes, `example.com/gpu=1`. */
const quantity =
  /^(?<resource>[a-z0-9](?:[A-Za-z0-9./_-]*[A-Za-z0-9])?)=(?<amount>\d+(?:\.\d+)?(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?)$/;

/** `cpu=50m,memory=64Mi`, as kubectl set resources takes it; empty = none. */
function readQuantities(field: string, text: string): Readonly<Record<string, string>> {
  const parts = text === '' ? [] : text.split(',');
  return Object.fromEntries(
    parts.map((part) => {
      const { resource = '', amount = '' } = quantity.exec(part)?.groups ?? {};
      if (resource !== '') return [resource, amount];
      throw new AppError('InvalidInput', `${field}: ${JSON.stringify(part)} is not RESOURCE=QUANTITY`, {
        field,
        next: `${field} cpu=100m,memory=128Mi`,
      });
    }),
  );
}
