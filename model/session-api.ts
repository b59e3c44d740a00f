/**
 * What is said about who is asking: roles, logging in with a token for a session, and whom a session belongs to.
 * Tokens themselves are made and kept by `runtime/access/`.
 */
import { z } from 'zod';

/** `read` may look at everything; `operate` may change everything as well. */
export const roles = ['read', 'operate'] as const;
export const roleSchema = z.enum(roles);
export type Role = z.infer<typeof roleSchema>;

export const loginBody = z.strictObject({ token: z.string().min(1).max(200) });

/**
 * Who asks. `socket`: whoever may open the Unix socket, which is to operate. `token`: the bearer of one. `session`:
 * a browser that has logged in with one.
 */
export const sessionAnswer = z.object({
  via: z.enum(['socket', 'token', 'session']),
  /** The token's name; null on the socket. */
  name: z.string().nullable(),
  role: roleSchema,
  /** When it ends by itself; null where it does not. */
  expiresAtMs: z.number().nullable(),
});
export type SessionAnswer = z.infer<typeof sessionAnswer>;
