'use strict';
const by = (id) => document.getElementById(id);
const lines = by('lines'), replies = new Map();
const opened = performance.now();
// How long the page tries to reach its server again, in ms.
const RETRY = 30000;
let room = null, roomName = null, avatar = '', isOver = false, socket = null, lostAt = null;

function state(text) { by('state').textContent = text; }

function line(who, text) {
  const item = document.createElement('li'), name = document.createElement('b');
  item.className = who;
  name.textContent = { user: 'You', avatar: 'Avatar', problem: 'Problem' }[who];
  const words = document.createElement('span');
  words.textContent = text;
  item.append(name, words);
  lines.append(item);
  while (lines.childElementCount > 500) lines.firstElementChild.remove();
  lines.scrollTop = lines.scrollHeight;
  return words;
}

function reply(mid, text, whole) {
  const words = replies.get(mid) ?? line('avatar', '');
  words.textContent = whole ? text : words.textContent + text;
  if (whole) replies.delete(mid); else replies.set(mid, words);
  // Screen readers read a reply once, when it is whole.
  words.parentElement.setAttribute('aria-busy', String(!whole));
  lines.scrollTop = lines.scrollHeight;
}

// The room.

function show() {
  const publications = room?.remoteParticipants.get(avatar)?.trackPublications.values() ?? [];
  for (const { track } of publications) {
    if (track) track.attach(by(track.kind === 'video' ? 'video' : 'audio'));
  }
}

async function join({ name, url, token, avatar: identity, microphone }) {
  avatar = identity;
  if (room && name === roomName && room.state === 'connected') {
    state('connected');
    return show();
  }
  room?.removeAllListeners();
  await room?.disconnect();
  by('microphone').setAttribute('aria-pressed', 'false');
  roomName = name;
  const joined = room = new LivekitClient.Room({ adaptiveStream: true });
  room.on('trackSubscribed', show);
  room.on('reconnecting', () => state('picture: connecting again'));
  room.on('reconnected', () => state('connected'));
  room.on('audioPlaybackChanged', () => { by('sound').hidden = room.canPlaybackAudio; });
  room.on('disconnected', () => {
    // livekit-client has given up: with another token, in the room that the session has now.
    if (isOver || joined !== room) return;
    state('picture: connecting again');
    setTimeout(() => send({ join: true }), 1000);
  });
  await room.connect(url, token);
  if (joined !== room || isOver) return;
  state('connected');
  by('microphone').hidden = !microphone;
  show();
}

function over(reason) {
  if (isOver) return;
  isOver = true;
  state(`the session is over (${reason})`);
  for (const element of document.querySelectorAll('button, input')) element.disabled = true;
  room?.disconnect();
}

by('video').addEventListener('loadeddata', () => {
  document.body.dataset.firstPicture ??= Math.round(performance.now() - opened);
});

// The page's own connection.

const received = {
  hello({ transcript }) {
    lines.replaceChildren();
    replies.clear();
    for (const { who, text } of transcript) line(who, text);
  },
  room: (message) => join(message).catch((error) => {
    state('no picture');
    line('problem', `The room can't be joined: ${error.message}`);
  }),
  avatar({ identity }) { avatar = identity; show(); },
  line: ({ who, text }) => line(who, text),
  piece: ({ mid, text }) => reply(mid, text, false),
  done: ({ mid, text }) => reply(mid, text, true),
  problem: ({ text }) => line('problem', text),
  state: ({ text }) => state(text),
  credits({ text }) { by('credits').textContent = text && `${text} credits taken`; },
  pong({ sent }) { by('latency').textContent = `latency ${Math.round(performance.now() - sent)} ms`; },
  over: ({ reason }) => over(reason),
};

function send(message) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function connect() {
  const address = new URL('events', location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  socket = new WebSocket(address);
  socket.onopen = () => { lostAt = null; send({ ping: performance.now() }); };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    received[message.type]?.(message);
  };
  socket.onclose = () => {
    if (isOver) return;
    lostAt ??= performance.now();
    if (performance.now() - lostAt > RETRY) return over('the page lost its connection');
    state('connecting again');
    setTimeout(connect, 1000);
  };
}

connect();
setInterval(() => send({ ping: performance.now() }), 5000);

addEventListener('resize', () => { lines.scrollTop = lines.scrollHeight; });
by('form').onsubmit = (event) => {
  event.preventDefault();
  const text = by('text').value.trim();
  if (text) send({ ask: text });
  by('text').value = '';
};
by('interrupt').onclick = () => send({ interrupt: true });
addEventListener('keydown', ({ key }) => { if (key === 'Escape' && !isOver) send({ interrupt: true }); });
by('end').onclick = () => { by('end').disabled = true; send({ end: true }); };
by('sound').onclick = () => room?.startAudio();
by('microphone').onclick = async () => {
  const on = by('microphone').getAttribute('aria-pressed') !== 'true';
  try {
    await room.localParticipant.setMicrophoneEnabled(on);
    by('microphone').setAttribute('aria-pressed', String(on));
  } catch (error) {
    line('problem', `The microphone can't be used: ${error.message}`);
  }
};
