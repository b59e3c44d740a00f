/** What is wrong with a file in a directory of resource templates, and how it is said. Pure. */
import { z } from 'zod';

/** Something in a directory of templates that cannot be used. */
export const templateFaultSchema = z.object({
  /** Of the template that it would be; null when it is about a directory as a whole. */
  name: z.string().nullable(),
  file: z.string(),
  /** From 1; null where it is not about a line. */
  line: z.int().nullable(),
  reason: z.string(),
  /** What was read of it before goes on being used. */
  usesEarlier: z.boolean(),
});
export type TemplateFault = Readonly<z.infer<typeof templateFaultSchema>>;

/** A fault as one sentence's worth of words: `FILE, line 3: REASON`. */
export function faultText({ file, line, reason }: Pick<TemplateFault, 'file' | 'line' | 'reason'>): string {
  return `${file}${line === null ? '' : `, line ${line}`}: ${reason}`;
}
