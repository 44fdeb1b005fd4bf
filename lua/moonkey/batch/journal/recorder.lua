--[[
A run and its journal: begin a new one, or go on with an old one. A recorder has

  id, path    of the run
  writer      batch/journal/writer.lua, begun; the engine and on_commit use it
  source      of the rows that are to be worked on
  tally(t)    adds what earlier sessions have done to a tally
]]
local digest = require "moonkey.digest"
local files = require "moonkey.files"
local http = require "moonkey.http"
local matched = require "moonkey.batch.journal.matched"
local place = require "moonkey.batch.journal.place"
local reader = require "moonkey.batch.journal.reader"
local remaining = require "moonkey.batch.journal.remaining"
local writer = require "moonkey.batch.journal.writer"

local M = {}

local Recorder = {}
Recorder.__index = Recorder

local TRIES = 3 -- for an id that is nobody else's
local EMULATOR = "the emulator" -- where its credential comes from (cli/connect.lua)

-- Where the run's calls go, and as whom; nothing where no API is set up.
function M.target()
  local ok, host, url, credential, own_id = pcall(http.origin)
  if not ok then return {} end
  return { target = credential == EMULATOR and "emulator" or url, host = host, credential = credential, own_id = own_id }
end

-- What the input is: nil, message where a file cannot be read.
local function identify(source)
  local facts = { source = source.name, format = source.format }
  if not source.path then return facts end
  local message
  facts.input, message = files.absolute(source.path)
  if facts.input then facts.input_sha256, facts.input_size = digest.file(facts.input) end
  if not facts.input_sha256 then return nil, message or facts.input_size end
  return facts
end

local function merge(into, from)
  for key, value in pairs(from or {}) do into[key] = value end
  return into
end

local function cannot_write(path, message)
  return ("cannot write the journal %s: %s"):format(path, message)
end

-- A recorder once it has begun; nil, message.
local function begin(self, kind, values)
  local ok, message = self.writer:begin(kind, values)
  if ok then return setmetatable(self, Recorder) end
  self.writer:close()
  return nil, message
end

-- Nothing stays of a journal in the state directory that could not be begun.
local function give_up(path, is_users, message)
  message = cannot_write(path, message)
  if is_users then return nil, message end
  os.remove(path)
  return nil, message .. "; name a file elsewhere with --journal FILE"
end

-- Is it another run's? In the state directory, one that has begun in the same millisecond.
local function is_taken(kind)
  return kind == "exists" or kind == "busy"
end

-- A new run over `source`. `wanted`: path of its journal; nil means the state directory. `values`: for its table `run`. Or nil,
-- message.
function M.new(source, wanted, values, tries)
  local facts, message = identify(source)
  if not facts then return nil, message end
  local path, id = place.new(wanted)
  if not path then return nil, id end
  local own, kind
  own, message, kind = writer.create(path, id)
  if is_taken(kind) then
    if not wanted and (tries or 0) < TRIES then return M.new(source, nil, values, (tries or 0) + 1) end
    if kind == "exists" then
      message = ("%s; if it is an earlier run's, `moonkey resume %s` goes on with that"):format(message, place.name(id, path))
    end
    return nil, cannot_write(path, message)
  elseif not own then
    return give_up(path, wanted, message)
  end
  local self
  self, message = begin({ id = id, path = path, writer = own, source = source }, "batch",
    merge(merge(merge({}, facts), M.target()), values))
  if self then return self end
  return give_up(path, wanted, message)
end

-- Why calls that go where they go now cannot be those of the run with `meta`, in which an id means another token; or nil.
function M.other_target(meta)
  local now = M.target().target
  if now == meta.target then return nil end
  return ("run %s was against %s, and this would go to %s: use the same base URL or profile"):format(meta.id,
    meta.target or "nothing", now or "nothing")
end

-- What a dry run has done was not written, and must not count as if it were; nor the other way round.
local function differs_in_dryness(meta)
  local dry, was_dry = http.dry_run(), meta.options.dry_run == true
  if dry and not was_dry then
    return ("run %s is no dry run: in it, rows of a dry run would count as written; begin a run of its own for that")
      :format(meta.id)
  elseif was_dry and not dry then
    return ("run %s was a dry run, in which nothing was written; begin a run of its own for that"):format(meta.id)
  end
end

-- What the run of the journal at `path` is; nil, message where it cannot be gone on with in this process. `known_good`: see
-- reader.open.
local function look_at(path, known_good)
  local journal <close>, message = reader.open(path, known_good)
  if not journal then return nil, message end
  local problem = M.other_target(journal.meta) or differs_in_dryness(journal.meta)
  if problem then return nil, problem end
  return journal.meta
end

-- Rows pass by that the run at `old`, which this one continues, has dealt with; `own`, `may_repeat`: see matched.lua. true, or
-- nil, message.
local function match(self, old, own, may_repeat)
  local ok, source = pcall(matched.new, self.source, old, own, may_repeat, function(r) self.writer:add(r) end)
  if not ok then return nil, tostring(source) end
  self.source = source
  return true
end

-- The run of the journal at `path` again, `kind` "resume" or "retry", over its input opened anew. `verified`: that is known to
-- be what it was. `queued`: others may be at its rows, so that what was announced is left open. Or nil, message.
function M.again(source, path, kind, verified, values, queued)
  local meta, problem = look_at(path, not values) -- the command line has looked at it
  if meta and values and meta.command == "batch" then -- another job, and the run's options would be lost
    problem = ("run %s was begun by moonkey batch: `moonkey resume %s` goes on with it"):format(meta.id,
      place.name(meta.id, path))
  end
  if problem then return nil, problem end
  local own, message = writer.reopen(path)
  if not own then return nil, ("cannot go on with the journal %s: %s"):format(path, message) end
  own.leaves_open = queued
  local self = { id = own.id, path = path, writer = own, kind = kind }
  local ok
  ok, self.source = pcall(remaining.new, source, own.db, path, kind, verified)
  if not ok then
    own:close()
    return nil, ("cannot go on with the journal %s: %s"):format(path, self.source)
  end
  self, message = begin(self, kind, values)
  if not self then return nil, cannot_write(path, message) end
  if kind == "resume" and meta.continues_path and not meta.rows then
    ok, message = match(self, meta.continues_path, path, not meta.job)
    if not ok then
      own:close("error")
      return nil, message
    end
  end
  return self
end

-- The run at `old` goes on as this one, and not a second time.
local function pass_on(self, old, has_job)
  local writer_of_old, message = writer.reopen(old)
  if not writer_of_old then return nil, cannot_write(old, message) end
  local ok
  ok, message = writer_of_old:put{ continued_by = self.id, continued_path = files.absolute(self.path) }
  writer_of_old:close()
  if not ok then return nil, cannot_write(old, message) end
  return match(self, old, nil, not has_job)
end

-- A new run over `source`, a changed input, in which rows count as dealt with that the run of the journal at `old` has dealt
-- with; `path` and `values` as for new(). Rows that have failed there, and are the same, are tried again by `retry` only.
function M.continue(source, old, path, values)
  local meta, message = look_at(old)
  if not meta then return nil, message end
  local self
  self, message = M.new(source, path, merge({ continues = meta.id, continues_path = files.absolute(old) }, values))
  if not self then return nil, message end
  local ok
  ok, message = pass_on(self, old, meta.job ~= nil)
  if ok then return self end
  self:discard()
  return nil, message
end

-- Nothing stays of a new run that cannot go on.
function Recorder:discard()
  self.writer:close("error")
  for _, suffix in ipairs{ "", "-wal", "-shm" } do os.remove(self.path .. suffix) end
end

-- Is it one of the failed rows that are tried again?
function Recorder:retries(row)
  self.is_retried = self.is_retried or assert(self.writer.db:prepare("SELECT 1 FROM retried WHERE row = ?"))
  return self.is_retried:row(row) ~= nil
end

-- How many failed rows are not tried again, because a later row of the same token is done.
function Recorder:left_alone()
  if self.kind ~= "retry" then return 0 end
  local statement <close> = assert(self.writer.db:prepare(
    "SELECT count(*) FROM rows WHERE state = 2 AND row NOT IN (SELECT row FROM retried)"))
  return statement:row()
end

-- Once the first write has told whose account it is.
function Recorder:note_account()
  local announce = not self.has_account and package.loaded["moonkey.announce"]
  local account = announce and announce.known_account()
  if not account then return end
  self.has_account = true
  self.writer:put{ account = account }
end

-- Add what earlier sessions have done, and will not be done again, to a tally. `under_way`: rows that have not ended after all.
function Recorder:tally(tally, under_way)
  if not self.kind then return end
  local journal <close> = assert(reader.open(self.path, true))
  local counts = journal:counts()
  tally.done, tally.skipped = counts.done, counts.skipped
  for r in journal:results{ "failed", "unknown", "new" } do
    local again = under_way[r.row] or (self.kind == "retry" and r.outcome == "failed" and self:retries(r.row))
    if not again then tally:add(r) end
  end
end

return M
