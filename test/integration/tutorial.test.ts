/** docs/tutorial.md, typed as it stands by somebody who begins with nothing. */
import { typePage } from './typed-page.ts';

typePage('docs/tutorial.md');
