/** Brings a stack up from a process of its own, so that a test can have it in another network namespace: up-stack.ts STATE_DIRECTORY */
import assert from 'node:assert/strict';
import { layoutOfThisCheckout, upStack } from '../../tools/stack/stack.ts';

const [stateDir] = process.argv.slice(2);
assert.ok(stateDir !== undefined, 'name the state directory');
await upStack(layoutOfThisCheckout(stateDir), () => undefined);
