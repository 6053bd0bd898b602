'use strict';
const by = (id) => document.getElementById(id);
const lines = by('lines'), replies = new Map();
const shown = { since: performance.now(), firstPicture: null };
let room = null;

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
  lines.scrollTop = lines.scrollHeight;
}

async function join({ url, token, avatar, microphone }) {
  room = new LivekitClient.Room({ adaptiveStream: true });
  room.on('trackSubscribed', (track, publication, participant) => {
    if (participant.identity === avatar) track.attach(by(track.kind === 'video' ? 'video' : 'audio'));
  });
  room.on('reconnecting', () => { by('state').textContent = 'picture: connecting again'; });
  room.on('reconnected', () => { by('state').textContent = 'connected'; });
  room.on('audioPlaybackChanged', () => { by('sound').hidden = room.canPlaybackAudio; });
  await room.connect(url, token);
  by('state').textContent = 'connected';
  by('microphone').hidden = !microphone;
}

function over(reason) {
  by('state').textContent = `the session is over (${reason})`;
  for (const element of document.querySelectorAll('button, input')) element.disabled = true;
  if (room) room.disconnect();
}

by('video').addEventListener('loadeddata', () => {
  shown.firstPicture ??= performance.now() - shown.since;
  document.body.dataset.firstPicture = Math.round(shown.firstPicture);
});

const address = new URL('events', location.href);
address.protocol = address.protocol.replace('http', 'ws');
const socket = new WebSocket(address);
const send = (message) => { if (socket.readyState === 1) socket.send(JSON.stringify(message)); };
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.type === 'hello') {
    for (const { who, text } of message.transcript) line(who, text);
    join(message).catch((error) => {
      by('state').textContent = 'no picture';
      line('problem', `The room can't be joined: ${error.message}`);
    });
  } else if (message.type === 'line') line(message.who, message.text);
  else if (message.type === 'piece') reply(message.mid, message.text, false);
  else if (message.type === 'done') reply(message.mid, message.text, true);
  else if (message.type === 'problem') line('problem', message.text);
  else if (message.type === 'state') by('state').textContent = message.text;
  else if (message.type === 'pong') by('latency').textContent = `${Math.round(performance.now() - message.sent)} ms`;
  else if (message.type === 'over') over(message.reason);
};
socket.onclose = () => over('the page lost its connection');
setInterval(() => send({ ping: performance.now() }), 5000);

by('form').onsubmit = (event) => {
  event.preventDefault();
  const text = by('text').value.trim();
  if (text) send({ ask: text });
  by('text').value = '';
};
by('interrupt').onclick = () => send({ interrupt: true });
by('end').onclick = () => send({ end: true });
by('sound').onclick = () => room && room.startAudio();
by('microphone').onclick = async () => {
  const on = by('microphone').getAttribute('aria-pressed') !== 'true';
  try {
    await room.localParticipant.setMicrophoneEnabled(on);
    by('microphone').setAttribute('aria-pressed', String(on));
  } catch (error) {
    line('problem', `The microphone can't be used: ${error.message}`);
  }
};
