import { AppError } from '../core/errors.ts';
import type { CaptureSummary } from '../kube/capture.ts';
import { openCluster } from './cluster.ts';
import type { ClusterOptions } from './options.ts';

/** Captures a live cluster into a redacted folder that `--dump` reads. Empty `namespaces` = all. */
export async function captureToFolder(
  options: ClusterOptions,
  directory: string,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<CaptureSummary> {
  if (options.dump !== null)
    throw new AppError('InvalidInput', '--dump is a captured folder already', {
      next: 'fist capture --context NAME --output-directory DIR',
    });
  const opened = await openCluster(options);
  if (opened === null)
    throw new AppError('InvalidInput', 'no cluster was named', {
      next: 'fist capture --context NAME --output-directory DIR',
    });
  const { captureCluster } = await import('../kube/capture.ts');
  try {
    return await captureCluster(opened.cluster, {
      directory,
      signal,
      ...(namespaces.length === 0 ? {} : { namespaces }),
    });
  } finally {
    await opened.close();
  }
}
