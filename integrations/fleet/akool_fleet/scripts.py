"""Every decision that two processes could take at once, as a script that the server runs whole.

The server's clock is the only one: a worker whose own clock is wrong decides nothing by it. All
keys of a fleet share one hash tag, so a clustered server keeps them together; a script may
therefore build the key of a job from the fleet's prefix.

Keys, after the prefix `akool:{NAME}:`:

| key | type | holds |
|---|---|---|
| `seats` | sorted set | job id -> end of its lease |
| `unknown` | sorted set | job id#attempt -> when its worker died during create |
| `journal` | hash | session id -> job id, for every session that a seat has open |
| `orphans` | hash | session id that no journal names -> when a sweep first saw it |
| `workers` | sorted set | worker id -> end of its lease |
| `queue` | stream | the messages of the queue, by its library |
| `calm` | hash | `alive`: when a worker last renewed; `since`: since when some worker always has; \
`swept`: when the last sweep began |
| `jobs` | sorted set | job id -> when it was sent, while anything is known of it |
| `job:ID` | hash | the job: see `ledger.JobStatus` |
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACQUIRE",
    "CONVERSED",
    "COUNT",
    "ENQUEUE",
    "FREE",
    "FREE_UNKNOWN",
    "JOURNAL",
    "MARK_ORPHANS",
    "PASS_ON",
    "PUT_BACK",
    "RECOVER_WORKER",
    "RENEW",
    "RETIRE",
    "SETTLE",
    "SWEEP",
    "TAKE_EXPIRED",
    "TRIM",
]

_NOW: Final = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local prefix = KEYS[1]
"""

#: ARGV: job, message, then pairs of fields. -> 1, or 0: there is such a job.
ENQUEUE: Final = (
    _NOW
    + """
local job = prefix .. 'job:' .. ARGV[1]
if redis.call('EXISTS', job) == 1 then return 0 end
redis.call('HSET', job, 'state', 'queued', 'queued', now, 'message', ARGV[2],
    'attempts', 0, 'cut_offs', 0, unpack(ARGV, 3))
redis.call('ZADD', prefix .. 'jobs', now, ARGV[1])
redis.call('XADD', prefix .. 'queue', '*', 'data', ARGV[2])
return 1
"""
)

#: ARGV: job, token, worker, limit, lease. -> 'seated', 'full', or 'duplicate': it isn't queued.
ACQUIRE: Final = (
    _NOW
    + """
local job, seats = prefix .. 'job:' .. ARGV[1], prefix .. 'seats'
if redis.call('HGET', job, 'state') ~= 'queued' then return 'duplicate' end
if redis.call('ZCARD', seats) + redis.call('ZCARD', prefix .. 'unknown') >= tonumber(ARGV[4]) then
    return 'full'
end
redis.call('ZADD', seats, now + tonumber(ARGV[5]), ARGV[1])
redis.call('HSET', job, 'state', 'seated', 'token', ARGV[2], 'worker', ARGV[3], 'seated', now)
redis.call('HINCRBY', job, 'attempts', 1)
return 'seated'
"""
)

#: After a time in which no worker renewed, because none could reach the server, nothing is reaped
#: for the length of a lease: all were cut off alike, and get their time to renew.
_CALM: Final = """
local function calm(lease)
    local alive = tonumber(redis.call('HGET', prefix .. 'calm', 'alive') or 0)
    local since = tonumber(redis.call('HGET', prefix .. 'calm', 'since') or now)
    return now - alive <= lease and now - since >= lease
end
"""

#: ARGV: worker, lease, then pairs of job and token. -> the jobs whose lease isn't theirs any more.
#: Where the server's clock was set back, leases that would now last too long are shortened.
RENEW: Final = (
    _NOW
    + """
local alive = tonumber(redis.call('HGET', prefix .. 'calm', 'alive') or 0)
if alive > now then
    redis.call('HSET', prefix .. 'calm', 'since', now)
    local longest = now + tonumber(ARGV[2])
    for _, set in ipairs({prefix .. 'seats', prefix .. 'workers'}) do
        for _, one in ipairs(redis.call('ZRANGEBYSCORE', set, longest + 1, '+inf')) do
            redis.call('ZADD', set, longest, one)
        end
    end
end
if now - alive > tonumber(ARGV[2]) / 2 then redis.call('HSET', prefix .. 'calm', 'since', now) end
redis.call('HSET', prefix .. 'calm', 'alive', now)
redis.call('ZADD', prefix .. 'workers', now + tonumber(ARGV[2]), ARGV[1])
local lost = {}
for i = 3, #ARGV, 2 do
    if redis.call('HGET', prefix .. 'job:' .. ARGV[i], 'token') == ARGV[i + 1]
        and redis.call('ZSCORE', prefix .. 'seats', ARGV[i]) then
        redis.call('ZADD', prefix .. 'seats', 'XX', now + tonumber(ARGV[2]), ARGV[i])
    else
        lost[#lost + 1] = ARGV[i]
    end
end
return lost
"""
)

#: ARGV: job, token, session id. -> 1, or 0: the lease isn't theirs any more.
JOURNAL: Final = (
    _NOW
    + """
local job = prefix .. 'job:' .. ARGV[1]
if redis.call('HGET', job, 'token') ~= ARGV[2] then return 0 end
redis.call('HSET', job, 'state', 'talking', 'talking', now, 'session_id', ARGV[3])
redis.call('HSET', prefix .. 'journal', ARGV[3], ARGV[1])
redis.call('HDEL', prefix .. 'orphans', ARGV[3])
return 1
"""
)

#: ARGV: job, token, 'done' or 'failed', error. -> 1, or 0: the lease isn't theirs any more.
CONVERSED: Final = (
    _NOW
    + """
local job = prefix .. 'job:' .. ARGV[1]
if redis.call('HGET', job, 'token') ~= ARGV[2] then return 0 end
redis.call('HSET', job, 'state', ARGV[3], 'ended', now, 'error', ARGV[4])
return 1
"""
)

_LEAVE: Final = """
local function hold(job, id)
    redis.call('ZADD', prefix .. 'unknown', now, id .. '#' .. redis.call('HGET', job, 'attempts'))
end
local function leave(job, id)
    local session = redis.call('HGET', job, 'session_id')
    if session then redis.call('HDEL', prefix .. 'journal', session) end
    redis.call('ZREM', prefix .. 'seats', id)
    redis.call('HDEL', job, 'token')
end
local function requeue(job, id)
    redis.call('HSET', job, 'state', 'queued')
    redis.call('HDEL', job, 'session_id', 'worker', 'seated', 'talking', 'unfit')
    redis.call('XADD', prefix .. 'queue', '*', 'data', redis.call('HGET', job, 'message'))
end
"""

#: ARGV: job, token, seconds to keep what is known of it, '1': the seat is held as `unknown`. -> 1,
#: or 0: the lease isn't theirs.
FREE: Final = (
    _NOW
    + _LEAVE
    + """
local job = prefix .. 'job:' .. ARGV[1]
if redis.call('HGET', job, 'token') ~= ARGV[2] then return 0 end
if ARGV[4] == '1' then hold(job, ARGV[1]) end
leave(job, ARGV[1])
redis.call('EXPIRE', job, ARGV[3])
return 1
"""
)

#: ARGV: job, token ('': it has no seat), '1': the seat is held as `unknown`. -> 1, or 0: the lease
#: isn't theirs any more.
PUT_BACK: Final = (
    _NOW
    + _LEAVE
    + """
local job = prefix .. 'job:' .. ARGV[1]
local token = redis.call('HGET', job, 'token') or ''
if token ~= ARGV[2] then return 0 end
if ARGV[2] == '' and redis.call('HGET', job, 'state') ~= 'queued' then return 0 end
if ARGV[3] == '1' then hold(job, ARGV[1]) end
if ARGV[2] ~= '' then leave(job, ARGV[1]) end
requeue(job, ARGV[1])
return 1
"""
)

#: ARGV: job, seconds. -> 1: its message is queued again, for a worker that has its bot; 0: it isn't
#: queued, or no such worker came for so long.
PASS_ON: Final = (
    _NOW
    + """
local job = prefix .. 'job:' .. ARGV[1]
if redis.call('HGET', job, 'state') ~= 'queued' then return 0 end
redis.call('HSETNX', job, 'unfit', now)
if now - tonumber(redis.call('HGET', job, 'unfit')) >= tonumber(ARGV[2]) then return 0 end
redis.call('XADD', prefix .. 'queue', '*', 'data', redis.call('HGET', job, 'message'))
return 1
"""
)

#: ARGV: token of who reaps, lease, '1': even if no worker renews. -> nil, or job id and session id
#: ('': unknown). Who reaps has the seat for the length of a lease.
TAKE_EXPIRED: Final = (
    _NOW
    + _CALM
    + """
if ARGV[3] ~= '1' and not calm(tonumber(ARGV[2])) then return false end
local found = redis.call('ZRANGEBYSCORE', prefix .. 'seats', '-inf', now, 'LIMIT', 0, 1)
if #found == 0 then return false end
local job = prefix .. 'job:' .. found[1]
redis.call('ZADD', prefix .. 'seats', now + tonumber(ARGV[2]), found[1])
redis.call('HSET', job, 'token', ARGV[1])
return {found[1], redis.call('HGET', job, 'session_id') or ''}
"""
)

#: ARGV: job, token, seconds to keep. -> what became of the job.
SETTLE: Final = (
    _NOW
    + _LEAVE
    + """
local job = prefix .. 'job:' .. ARGV[1]
if redis.call('HGET', job, 'token') ~= ARGV[2] then return 'lost' end
local state = redis.call('HGET', job, 'state')
if state == 'seated' then hold(job, ARGV[1]) end
leave(job, ARGV[1])
if state ~= 'seated' and state ~= 'talking' then
    redis.call('EXPIRE', job, ARGV[3])
    return state
end
local cut = redis.call('HINCRBY', job, 'cut_offs', 1)
if cut <= tonumber(redis.call('HGET', job, 'retries')) then
    requeue(job, ARGV[1])
    return 'queued'
end
redis.call('HSET', job, 'state', 'cut_off', 'ended', now)
redis.call('EXPIRE', job, ARGV[3])
return 'cut_off'
"""
)

#: ARGV: seconds between two sweeps. -> 1: who asks makes the next one.
SWEEP: Final = (
    _NOW
    + """
local last = tonumber(redis.call('HGET', prefix .. 'calm', 'swept') or 0)
if last <= now and now - last < tonumber(ARGV[1]) then return 0 end
redis.call('HSET', prefix .. 'calm', 'swept', now)
return 1
"""
)

#: ARGV: seconds a session may be unnamed, then session ids that are open. -> those to close.
MARK_ORPHANS: Final = (
    _NOW
    + """
local orphans, open, old = prefix .. 'orphans', {}, {}
for i = 2, #ARGV do
    open[ARGV[i]] = true
    if redis.call('HEXISTS', prefix .. 'journal', ARGV[i]) == 0 then
        redis.call('HSETNX', orphans, ARGV[i], now)
        if now - tonumber(redis.call('HGET', orphans, ARGV[i])) >= tonumber(ARGV[1]) then
            old[#old + 1] = ARGV[i]
        end
    end
end
for _, id in ipairs(redis.call('HKEYS', orphans)) do
    if not open[id] then redis.call('HDEL', orphans, id) end
end
return old
"""
)

#: ARGV: when the sweep began, seconds a create may take. -> how many seats were freed.
#: A seat of an unknown session is free once every session that its create can have made was seen
#: by a sweep and closed.
FREE_UNKNOWN: Final = (
    _NOW
    + """
local first = nil
for _, seen in ipairs(redis.call('HVALS', prefix .. 'orphans')) do
    if first == nil or tonumber(seen) < first then first = tonumber(seen) end
end
local until_ = tonumber(ARGV[1]) - tonumber(ARGV[2])
if first ~= nil and first - tonumber(ARGV[2]) < until_ then until_ = first - tonumber(ARGV[2]) end
return redis.call('ZREMRANGEBYSCORE', prefix .. 'unknown', '-inf', until_)
"""
)

#: What a worker has read and not acknowledged is queued again, and it leaves.
_PUT_BACK: Final = """
local function put_back(worker)
    local queue, moved = prefix .. 'queue', 0
    local held = redis.call('XPENDING', queue, ARGV[1], '-', '+', 1000, worker)
    for _, waiting in ipairs(held) do
        local entry = redis.call('XRANGE', queue, waiting[1], waiting[1])[1]
        if entry then
            redis.call('XADD', queue, '*', unpack(entry[2]))
            moved = moved + 1
        end
        redis.call('XACK', queue, ARGV[1], waiting[1])
        redis.call('XDEL', queue, waiting[1])
    end
    redis.call('XGROUP', 'DELCONSUMER', queue, ARGV[1], worker)
    redis.call('ZREM', prefix .. 'workers', worker)
    return moved
end
"""

#: ARGV: group, lease, '1': even if no worker renews. Puts back what dead workers had read and not
#: acknowledged. -> how many messages.
RECOVER_WORKER: Final = (
    _NOW
    + _CALM
    + _PUT_BACK
    + """
if ARGV[3] ~= '1' and not calm(tonumber(ARGV[2])) then return 0 end
local moved = 0
local dead = redis.call('ZRANGEBYSCORE', prefix .. 'workers', '-inf', now, 'LIMIT', 0, 10)
for _, worker in ipairs(dead) do moved = moved + put_back(worker) end
return moved
"""
)

#: ARGV: group, worker. It ends in order. -> how many messages were queued again.
RETIRE: Final = _NOW + _PUT_BACK + "return put_back(ARGV[2])"

#: ARGV: first and last place in the list of jobs. -> states, each followed by how many have it.
COUNT: Final = (
    _NOW
    + """
local counts, answer = {}, {}
for _, id in ipairs(redis.call('ZRANGE', prefix .. 'jobs', ARGV[1], ARGV[2])) do
    local state = redis.call('HGET', prefix .. 'job:' .. id, 'state')
    if state then counts[state] = (counts[state] or 0) + 1 end
end
for state, count in pairs(counts) do
    answer[#answer + 1] = state
    answer[#answer + 1] = count
end
return answer
"""
)

#: ARGV: group, seconds for which a job is kept at least. Drops what every worker is done with, and
#: from the list the jobs of which nothing is known any more.
TRIM: Final = (
    _NOW
    + """
local queue = prefix .. 'queue'
local waiting = redis.call('XPENDING', queue, ARGV[1])
local keep = waiting[2]
if not keep then
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', queue)) do
        for i = 1, #group, 2 do
            if group[i] == 'last-delivered-id' then keep = group[i + 1] end
        end
    end
end
local before = now - tonumber(ARGV[2])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'jobs', '-inf', before)) do
    if redis.call('EXISTS', prefix .. 'job:' .. id) == 0 then
        redis.call('ZREM', prefix .. 'jobs', id)
    end
end
return keep and redis.call('XTRIM', queue, 'MINID', keep) or 0
"""
)
