// Asking the recorder.

// ask fetches JSON. It throws an Error whose message is a sentence for the person.
export async function ask(path, parameters = {}, signal) {
  return (await request(`${path}?${new URLSearchParams(parameters)}`, signal)).rows;
}

// askAll follows the links to the next page of rows.
export async function askAll(path, parameters, signal) {
  let { rows, next } = await request(`${path}?${new URLSearchParams(parameters)}`, signal);
  while (next) {
    const more = await request(next, signal);
    rows = rows.concat(more.rows);
    next = more.next;
  }
  return rows;
}

async function request(address, signal) {
  const limit = AbortSignal.timeout(30000);
  let answer;
  try {
    answer = await fetch(address, { signal: signal ? AbortSignal.any([signal, limit]) : limit });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new Error('The recorder did not answer.');
  }
  if (answer.status === 401) {
    location.assign('/login');
    return new Promise(() => {}); // the page is on its way out
  }
  if (!answer.ok) throw new Error(await problem(answer));
  const link = /<([^>]+)>;\s*rel="?next"?/.exec(answer.headers.get('Link') || '');
  return { rows: await answer.json(), next: link && link[1] };
}

async function problem(answer) {
  try {
    const said = (await answer.json()).problem;
    if (said) return `${said.charAt(0).toUpperCase()}${said.slice(1)}.`.replace(/\.\.$/, '.');
  } catch { /* not ours, perhaps a proxy's page */ }
  return `The recorder answered ${answer.status}.`;
}

// Repeat does a piece of work now and again: after every() ms, or sooner after a failure. A
// hidden page does nothing. report is handed the problem, or '' when it went well.
export class Repeat {
  #work; #report; #every; #timer; #abort; #failures = 0; #due = false;

  constructor(work, report, every) {
    this.#work = work;
    this.#report = report;
    this.#every = every;
    document.addEventListener('visibilitychange', () => {
      if (this.#due && !document.hidden) this.now();
    });
  }

  // now does it at once; what was on its way is given up.
  async now() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.#due = false;
    try {
      await this.#work(abort.signal);
      if (abort.signal.aborted) return;
      this.#failures = 0;
      this.#report('');
    } catch (err) {
      if (abort.signal.aborted) return;
      this.#failures++;
      this.#report(`${err.message} Trying again.`);
    }
    const wait = this.#failures ? Math.min(30000, 1000 * 2 ** this.#failures) : this.#every();
    if (wait) this.#timer = setTimeout(() => this.#next(), wait);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#due = false;
  }

  #next() {
    if (document.hidden) this.#due = true;
    else this.now();
  }
}
