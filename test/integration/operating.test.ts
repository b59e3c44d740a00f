/** docs/operating.md, typed as it stands: what an operator does on a bad night, with a machine that really fails. */
import { typePage } from './typed-page.ts';

typePage('docs/operating.md');
