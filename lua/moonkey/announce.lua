--[[
Before the first write: whose account it is, and whether somebody agrees to it where the profile demands that.

The host calls before_write() from every call that would be the first write, before anything is sent. Below Lua nothing is
written without the consent; that is only given here.
]]
local control = require "moonkey.control" -- which no script can get at
local core = require "moonkey.task.core"
local harmless = require "moonkey.harmless"
local http = require "moonkey.http"
local log = require "moonkey.log"
local redact = require("moonkey.secret").redact
local sys = require "moonkey.sys"
local terminal = require "moonkey.terminal"
local token = require "moonkey.token"

local M = {}

-- All that stands between a question and the consent is taken now, before a script can put something else in its place; so no
-- method of a string is called here either.
local consent, decline, set_account, begin_row = control.consent, control.decline, control.set_account, control.begin_row
local ask, get, spawn = terminal.ask, token.get, core.spawn
local origin, stop_reason, interrupted = http.origin, http.stop_reason, sys.interrupted
local error, tostring, type = error, tostring, type
local find, format, lower, match, sub = string.find, string.format, string.lower, string.match, string.sub
local count_characters, offset = utf8.len, utf8.offset

local LONGEST_NAME = 60 -- characters
local LEARNING = { retry = 1, max_time = 15 } -- knowing the account is worth so much, and no more

local demand -- see M.configure
local asking -- the task that learns and asks; every other caller waits for it

-- A name is the platform's text: it must not steer the terminal, nor look like a part of the question.
-- Masked before it is cut: a part of the credential would be shown.
local function short(name)
  name = redact(name)
  local length = count_characters(name)
  if not length then return nil end
  if length > LONGEST_NAME then name = sub(name, 1, offset(name, LONGEST_NAME) - 1) .. "…" end
  return harmless(name)
end

-- The account that the credential belongs to, as { id =, shown = }; nil and why that is not known.
local function ask_for_account(own_id)
  if own_id == "" then return nil, "the credential does not name its token" end
  local tok, err = get(own_id, LEARNING)
  if not tok then return nil, tostring(err) end
  local account = type(tok.account) == "table" and tok.account or {}
  if type(account.id) ~= "string" or not find(account.id, "^[%w-]+$") then return nil, "the platform does not tell it" end
  local name = type(account.name) == "string" and short(account.name)
  return { id = account.id, shown = name and format("%s (%s)", account.id, name) or account.id }
end

local known -- the account, once it is

local function learn_account()
  if known then return known end
  begin_row() -- in a task of ours: not what is left of a row's time
  local why
  local _, _, _, own_id = origin()
  known, why = ask_for_account(own_id)
  if known then set_account(known.shown) end
  return known, why
end

local function trim(text)
  return match(text, "^%s*(.-)%s*$")
end

local function refuse(reason, advice)
  if interrupted() or stop_reason() then return end -- there is nothing left to refuse
  log.error("nothing is written: profile '%s' demands consent, %s%s", demand.profile, reason, advice and "; " .. advice or "")
  decline("not sent: writing was not agreed to")
end

-- consent = "yes": --yes or an answer.
local function agree(place)
  if demand.yes then return consent() end
  local answer, why = ask(format("Write to %s? [y/N] ", place))
  local word = answer and lower(trim(answer))
  if word == "y" or word == "yes" then return consent() end
  if answer then return refuse("and the answer was no") end
  refuse("and " .. why, "--yes would agree")
end

-- consent = "account": the account's id, typed.
local function confirm(place, account, why)
  if not account then return refuse("and the account that has to be typed is not known: " .. why) end
  local answer
  answer, why = ask(format("Writing to %s. Type the account id to agree: ", place))
  if answer and trim(answer) == account.id then return consent() end
  if answer then return refuse("and what was typed is not the account id " .. account.id) end
  refuse("and " .. why, "the account id has to be typed; --yes is not enough")
end

local function announce()
  local host, _, _, own_id = origin()
  local account, why = learn_account()
  if not account and not stop_reason() then
    log.info("the account of the credential is not known: %s", why)
  end
  if not demand.consent or stop_reason() then return end
  local place = format("%s as %s%s", host, own_id ~= "" and own_id or "an unnamed token",
    account and " of " .. account.shown or "")
  if demand.consent == "account" then return confirm(place, account, why) end
  agree(place)
end

-- { consent = nil, "yes" or "account"; profile = its name; yes = --yes was given }. Once, before a script runs.
function M.configure(options)
  if demand then error("announce.configure: it is configured already", 2) end
  demand = options
end

-- "ACC-0001-0001 (Name)", the account of the credential; nil and why it is not known. At most one request.
function M.account()
  local account, why = spawn(learn_account):join() -- a task has its own time limit
  return account and account.shown, why
end

-- The same, where a write or a call of account() has learnt it already.
function M.known_account()
  return known and known.shown
end

-- Returns once the first write may go on to the host, which then knows whether it is agreed to.
function M.before_write()
  if not asking then asking = spawn(announce) end
  asking:join()
end

return M
