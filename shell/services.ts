/**
 * The two services as the shell sees them.
 */
import { PcloudError } from '../model/errors.ts';
import type { Services } from './ports.ts';

export function connectServices(_environment: Readonly<Record<string, string | undefined>>): Services {
  const away = async (): Promise<never> => {
    throw await Promise.resolve(new PcloudError({ code: 'x', category: 'unavailable', message: 'x' }));
  };
  return { cped: away, builder: away };
}
