// The states of a second and the causes of a gap, in plain words.

const causes = {
  connect: 'still connecting',
  drop: 'the connection broke',
  mute: 'the connection was up, but the feed had gone silent',
  refused: 'the feed refused the recorder',
  slots: 'all subscriptions of the key were taken',
  disk_full: 'the disk was full',
  overload: 'more came than could be kept',
  shutdown: 'the recorder was stopped',
  crash: 'the recorder died',
  not_running: 'no recorder was running',
  not_subscribed: 'the symbol was not being recorded',
  unheard: 'nothing had come of this symbol yet',
  damage: 'that part of the file is damaged',
};

const states = {
  traded: 'traded',
  quiet: 'quiet: heard, nobody traded',
  partial: 'partial: traded, but not heard in whole',
  down: 'down: not heard',
  unknown: 'unknown: nothing can be said',
  ahead: 'not yet',
};

// because is the cause in plain words with its name, which exports carry.
export const because = (cause) => (causes[cause] ? `${causes[cause]} (${cause})` : cause || '');

// plainly is the cause in plain words alone.
export const plainly = (cause) => causes[cause] || cause || '';

export const meaning = (state) => states[state] || state;

const titles = {
  recording: 'Recording', quiet: 'Quiet', connecting: 'Connecting', reconnecting: 'Reconnecting', refused: 'Refused',
  broken: 'Broken', closed: 'Market closed', viewing: 'Stopped file, nothing here is live',
};

// title is what the recorder is doing in a word or two.
export const title = (state) => titles[state] || state.charAt(0).toUpperCase() + state.slice(1);
