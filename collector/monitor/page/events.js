// The live connection to the recorder.

import { ask } from './api.js';

const patience = 15000; // silence after which the recorder is asked whether it is there

// Events keeps an EventSource open for ever. handlers: status, candle, reset, contact(lost since
// ms, or 0 when all is well). The browser reconnects by itself after a broken connection, and
// not after an answer like 502: then we do.
export class Events {
  #source; #asked = ''; #handlers; #heard = Date.now(); #lost = 0; #timer; #probing = false;

  constructor(handlers) {
    this.#handlers = handlers;
    setInterval(() => this.#watch(), 5000);
    addEventListener('online', () => this.#probe());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#watch();
    });
  }

  // listen opens the connection, or opens it anew for other candles.
  listen(symbol, interval) {
    this.#asked = symbol ? `?${new URLSearchParams({ symbol, interval })}` : '';
    this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    const source = (this.#source = new EventSource(`/api/events${this.#asked}`));
    source.onopen = () => this.#alive();
    source.onerror = () => this.#failed(source);
    for (const name of ['status', 'candle', 'reset']) {
      source.addEventListener(name, (event) => {
        if (source !== this.#source) return;
        this.#alive();
        this.#handlers[name](event.data ? JSON.parse(event.data) : null);
      });
    }
  }

  #alive() {
    this.#heard = Date.now();
    clearTimeout(this.#timer);
    if (!this.#lost) return;
    this.#lost = 0;
    this.#handlers.contact(0);
  }

  #failed(source) {
    if (source !== this.#source) return;
    clearTimeout(this.#timer);
    // A restart behind a proxy takes a moment; that is not worth a word.
    this.#timer = setTimeout(() => {
      this.#gone();
      this.#probe();
    }, 2500);
  }

  #gone() {
    if (this.#lost) return;
    this.#lost = this.#heard;
    this.#handlers.contact(this.#lost);
  }

  #watch() {
    if (this.#lost || Date.now() - this.#heard > patience) this.#probe();
  }

  // probe finds a connection that died without a word, and a login that ran out.
  async #probe() {
    if (this.#probing) return;
    this.#probing = true;
    try {
      await ask('/api/dates', {}, AbortSignal.timeout(8000));
      this.#heard = Date.now();
      if (this.#lost || this.#source.readyState === EventSource.CLOSED) {
        this.#open();
        this.#handlers.reset();
      }
    } catch {
      this.#gone();
    } finally {
      this.#probing = false;
    }
  }
}
