import { AppError } from '../core/errors.ts';
import type { CaptureSummary } from '../kube/capture.ts';
import { withCluster } from './cluster.ts';
import type { ClusterOptions } from './options.ts';

const next = 'fist capture --context NAME --output-directory DIR';

/** Captures a live cluster into a redacted folder that `--dump` reads. Empty `namespaces` = all. */
export async function captureToFolder(
  options: ClusterOptions,
  directory: string,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<CaptureSummary> {
  if (options.dump !== null) throw new AppError('InvalidInput', '--dump is a captured folder already', { next });
  const { captureCluster } = await import('../kube/capture.ts');
  const wanted = { directory, signal, ...(namespaces.length === 0 ? {} : { namespaces }) };
  return withCluster(options, (cluster) => captureCluster(cluster, wanted), next);
}
