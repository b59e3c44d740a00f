/**
 * How root comes into a guest that an installer made, as values: not at all, by a key, or by a password whose
 * hash the operator gave. There is no default password. Where the values come from is `root-access.ts`.
 */
import { z } from 'zod';

/** One line of an authorized_keys file without options; the comment is a plain word or missing. */
export const authorizedKeySchema = z
  .string()
  .max(4096)
  .regex(
    /^(?:ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{32,}={0,3}(?: [A-Za-z0-9@._+:-]{1,200})?$/,
    'it must be one public key: type, base64 and at most a plain comment',
  );

/** crypt(3) by SHA-256 or SHA-512: what each of the releases understands. */
export const cryptHashSchema = z
  .string()
  .max(200)
  .regex(
    /^\$(?:5\$(?:rounds=[0-9]{4,9}\$)?[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{43}|6\$(?:rounds=[0-9]{4,9}\$)?[A-Za-z0-9./]{1,16}\$[A-Za-z0-9./]{86})$/,
    'it must be a crypt hash of the kind $5$ or $6$, as `openssl passwd -6` makes it',
  );

export const rootAccessSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('locked') }),
  z.object({ kind: z.literal('key'), authorizedKey: authorizedKeySchema }),
  z.object({ kind: z.literal('hash'), cryptHash: cryptHashSchema }),
]);
export type RootAccess = z.infer<typeof rootAccessSchema>;
