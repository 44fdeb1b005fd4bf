--[[
Before the first write: whose account it is, and whether somebody agrees to it where the profile demands that.

The host calls before_write() from every call that would be the first write, before anything is sent. Below Lua nothing is
written without the consent; that is only given here.
]]
local core = require "moonkey.task.core"
local http = require "moonkey.http"
local log = require "moonkey.log"
local sys = require "moonkey.sys"
local terminal = require "moonkey.terminal"
local token = require "moonkey.token"

local M = {}

-- Taken away from everybody else, scripts above all: they are not to agree in somebody's place.
local consent, decline = http.consent, http.decline
http.consent, http.decline = nil, nil
local ask, get = terminal.ask, token.get

local LONGEST_NAME = 60 -- characters
local LEARNING = { retry = 1, max_time = 15 } -- knowing the account is worth so much, and no more

local demand -- see M.configure
local asking -- the task that learns and asks; every other caller waits for it

-- A name is the platform's text: it must not steer the terminal, nor look like a part of the question.
local function harmless(name)
  local length = utf8.len(name)
  if not length then return nil end
  if length > LONGEST_NAME then name = name:sub(1, utf8.offset(name, LONGEST_NAME) - 1) .. "…" end
  return (name:gsub("%c", " "):gsub("\xc2[\x80-\x9f]", " ") -- C0, DEL, C1
    :gsub("\xe2\x80[\x8e\x8f\xaa-\xae]", ""):gsub("\xe2\x81[\xa6-\xa9]", "")) -- marks that change the direction of the text
end

-- The account that the credential belongs to, as { id =, shown = }; nil and why that is not known.
local function learn_account(own_id)
  if own_id == "" then return nil, "the credential does not name its token" end
  local tok, err = get(own_id, LEARNING)
  if not tok then return nil, tostring(err) end
  local account = type(tok.account) == "table" and tok.account or {}
  if type(account.id) ~= "string" or not account.id:find("^[%w-]+$") then return nil, "the platform does not tell it" end
  local name = type(account.name) == "string" and harmless(account.name)
  return { id = account.id, shown = name and ("%s (%s)"):format(account.id, name) or account.id }
end

local function trim(text)
  return text:match("^%s*(.-)%s*$")
end

local function refuse(reason, advice)
  if sys.interrupted() or http.stop_reason() then return end -- there is nothing left to refuse
  log.error("nothing is written: profile '%s' demands consent, %s%s", demand.profile, reason, advice and "; " .. advice or "")
  decline("not sent: writing was not agreed to")
end

-- consent = "yes": --yes or an answer.
local function agree(place)
  if demand.yes then return consent() end
  local answer, why = ask(("Write to %s? [y/N] "):format(place))
  local word = answer and trim(answer):lower()
  if word == "y" or word == "yes" then return consent() end
  if answer then return refuse("and the answer was no") end
  refuse("and " .. why, "--yes would agree")
end

-- consent = "account": the account's id, typed.
local function confirm(place, account, why)
  if not account then return refuse("and the account that has to be typed is not known: " .. why) end
  local answer
  answer, why = ask(("Writing to %s. Type the account id to agree: "):format(place))
  if answer and trim(answer) == account.id then return consent() end
  if answer then return refuse("and what was typed is not the account id " .. account.id) end
  refuse("and " .. why, "the account id has to be typed; --yes is not enough")
end

local function announce()
  http.begin_row() -- a time limit of its own, not what is left of a row's
  local host, _, _, own_id = http.origin()
  local account, why = learn_account(own_id)
  if account then
    http.set_account(account.shown)
  else
    log.debug("the account of the credential is not known: %s", why)
  end
  if not demand.consent or http.stop_reason() then return end
  local place = ("%s as %s%s"):format(host, own_id ~= "" and own_id or "an unnamed token",
    account and " of " .. account.shown or "")
  if demand.consent == "account" then return confirm(place, account, why) end
  agree(place)
end

-- { consent = nil, "yes" or "account"; profile = its name; yes = --yes was given }. Once, before a script runs.
function M.configure(options)
  if demand then error("announce.configure: it is configured already", 2) end
  demand = options
end

-- Returns once the first write may go on to the host, which then knows whether it is agreed to.
function M.before_write()
  if not asking then asking = core.spawn(announce) end
  asking:join()
end

return M
